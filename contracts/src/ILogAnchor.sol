// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Checkpoints of RFC 6962 logs, each of which extends the one before
/// @notice Keeps the newest checkpoint (size and root) of every registered log. In a strict log, the default, a new
/// checkpoint is taken only with the consistency proof of RFC 9162 section 2.1.4 from the one before it: two
/// contradicting histories of one log cannot both be anchored. The first checkpoint of a log is trusted on first use.
/// @dev Nobody, the owner included, can change or remove what was anchored; there is no upgrade and no pause. Only the
/// head of a log is stored, so that an anchor writes no new storage slot: older checkpoints are shown to be in the
/// head by a consistency proof, and a list of all of them by `Head.chain`. An inclusion proof does not bind a size to
/// a root: readers take both from here, and never from whoever brings the proof.
interface ILogAnchor {
    /// @notice What a log has to show for a new checkpoint
    /// @param Unregistered The log is not known
    /// @param Strict A consistency proof from the checkpoint before; the default
    /// @param Loose A larger size, and nothing else: a fork of the log is not noticed here
    enum Mode {
        Unregistered,
        Strict,
        Loose
    }

    /// @notice The newest checkpoint of a log; all but `mode` is zero until the first one is anchored
    /// @dev Three storage slots: the first five members share one.
    /// @param treeSize Number of entries in the log
    /// @param time Time of the block that took the checkpoint, in seconds since 1970
    /// @param blockNumber Number of that block
    /// @param count How many checkpoints this log has had
    /// @param mode What a new checkpoint has to show
    /// @param root Merkle tree hash of RFC 6962 section 2.1 over the entries
    /// @param chain keccak256(abi.encode(chain before, logId, treeSize, root, time)), zero before the first checkpoint:
    /// whoever has a list of all checkpoints can show that it is complete and in order
    struct Head {
        uint64 treeSize;
        uint64 time;
        uint64 blockNumber;
        uint32 count;
        Mode mode;
        bytes32 root;
        bytes32 chain;
    }

    /// @notice A log was registered
    /// @param logId SHA-256 of the log's origin
    /// @param origin Name of the log as it stands in the first line of its checkpoints
    /// @param mode What its checkpoints have to show, for ever
    event LogRegistered(bytes32 indexed logId, string origin, Mode mode);

    /// @notice An address was allowed to anchor checkpoints of a log, or its right was taken away
    /// @param logId SHA-256 of the log's origin
    /// @param anchorer The address
    /// @param allowed Whether it may anchor from now on
    event AnchorerSet(bytes32 indexed logId, address indexed anchorer, bool allowed);

    /// @notice A checkpoint became the head of its log
    /// @param logId SHA-256 of the log's origin
    /// @param treeSize Number of entries in the log
    /// @param root Merkle tree hash over the entries
    event Anchored(bytes32 indexed logId, uint64 indexed treeSize, bytes32 root);

    /// @notice The owner named its successor, who has not accepted yet
    /// @param owner The owner
    /// @param successor Who may accept; the zero address when the offer was withdrawn
    event OwnershipOffered(address indexed owner, address indexed successor);

    /// @notice The contract got an owner
    /// @param previous The owner before; the zero address at deployment
    /// @param owner The owner from now on
    event OwnershipTransferred(address indexed previous, address indexed owner);

    /// @notice Only the owner may do this
    /// @param caller Who tried
    error NotOwner(address caller);

    /// @notice Only the successor that the owner named may accept
    /// @param caller Who tried
    error NotSuccessor(address caller);

    /// @notice This address may not anchor checkpoints of this log, or the log is not registered
    /// @param logId SHA-256 of the log's origin
    /// @param caller Who tried
    error NotAnchorer(bytes32 logId, address caller);

    /// @notice The zero address can neither own nor anchor
    error ZeroAddress();

    /// @notice A log has a name
    error EmptyOrigin();

    /// @notice No log with this id is registered
    /// @param logId SHA-256 of the log's origin
    error UnknownLog(bytes32 logId);

    /// @notice A log is registered once
    /// @param logId SHA-256 of the log's origin
    error LogExists(bytes32 logId);

    /// @notice A checkpoint has at least one entry and a root that is not zero
    error EmptyCheckpoint();

    /// @notice The log is already anchored at a larger size
    /// @param anchored Size of the head
    /// @param offered Size of the checkpoint that was refused
    error SizeNotIncreasing(uint64 anchored, uint64 offered);

    /// @notice Two roots for one size: the log contradicts itself, or the caller speaks for another log
    /// @param treeSize The size
    /// @param anchored Root of the head
    /// @param offered Root that was refused
    error Equivocation(uint64 treeSize, bytes32 anchored, bytes32 offered);

    /// @notice The proof does not show that the new tree begins with the anchored one
    /// @param anchored Size of the head
    /// @param offered Size of the checkpoint that was refused
    error InconsistentCheckpoint(uint64 anchored, uint64 offered);

    /// @notice Make a checkpoint the head of its log
    /// @dev The same checkpoint once more changes nothing, so that a lost answer can be repeated. The proof is read
    /// only when the log is strict, has a head, and grows; pass an empty one otherwise.
    /// @param logId SHA-256 of the log's origin
    /// @param treeSize Number of entries, more than the head's
    /// @param root Merkle tree hash over the entries
    /// @param proof Consistency proof of RFC 9162 section 2.1.4 from the head to the new tree
    /// @return added Whether the head changed; false when it was this checkpoint already
    function anchor(bytes32 logId, uint64 treeSize, bytes32 root, bytes32[] calldata proof)
        external
        returns (bool added);

    /// @notice Register a strict log: each checkpoint has to extend the one before it
    /// @param origin Name of the log as it stands in the first line of its checkpoints
    /// @param anchorer First address that may anchor
    /// @return logId SHA-256 of the origin
    function registerLog(string calldata origin, address anchorer) external returns (bytes32 logId);

    /// @notice Register a log whose checkpoints only have to grow, for logs that cannot give consistency proofs
    /// @param origin Name of the log as it stands in the first line of its checkpoints
    /// @param anchorer First address that may anchor
    /// @return logId SHA-256 of the origin
    function registerLooseLog(string calldata origin, address anchorer) external returns (bytes32 logId);

    /// @notice Allow an address to anchor checkpoints of a log, or take that right away
    /// @param logId SHA-256 of the log's origin
    /// @param anchorer The address
    /// @param allowed Whether it may anchor from now on
    function setAnchorer(bytes32 logId, address anchorer, bool allowed) external;

    /// @notice Name the next owner, who has to accept; the zero address withdraws the offer
    /// @param to The successor
    function offerOwnership(address to) external;

    /// @notice Become the owner, as the one whom the owner named
    function acceptOwnership() external;

    /// @notice The newest checkpoint of a log
    /// @param logId SHA-256 of the log's origin
    /// @return newest Its head; all zero when the log is not registered
    function head(bytes32 logId) external view returns (Head memory newest);

    /// @notice Whether an address may anchor checkpoints of a log
    /// @param logId SHA-256 of the log's origin
    /// @param anchorer The address
    /// @return allowed True when it may
    function isAnchorer(bytes32 logId, address anchorer) external view returns (bool allowed);

    /// @notice Who registers logs and sets their anchorers
    /// @return The owner; never the zero address
    function owner() external view returns (address);

    /// @notice Whom the owner named as successor
    /// @return The successor, or the zero address
    function successor() external view returns (address);
}
