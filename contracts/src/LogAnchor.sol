// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ILogAnchor} from "./ILogAnchor.sol";
import {Rfc6962} from "./Rfc6962.sol";

/// @title Checkpoints of RFC 6962 logs, each of which extends the one before
contract LogAnchor is ILogAnchor {
    // Slot 0. Evidence proves slots keccak256(logId . 0) + 0, 1 and 2: docs/formats/anchor.md.
    mapping(bytes32 logId => Head) private _heads;
    mapping(bytes32 logId => mapping(address anchorer => bool)) private _anchorers;
    address private _owner;
    address private _successor;

    modifier onlyOwner() {
        if (msg.sender != _owner) revert NotOwner(msg.sender);
        _;
    }

    constructor(address initialOwner) {
        if (initialOwner == address(0)) revert ZeroAddress();
        _owner = initialOwner;
        emit OwnershipTransferred(address(0), initialOwner);
    }

    /// @inheritdoc ILogAnchor
    function anchor(bytes32 logId, uint64 treeSize, bytes32 root, bytes32[] calldata proof)
        external
        returns (bool added)
    {
        if (!_anchorers[logId][msg.sender]) revert NotAnchorer(logId, msg.sender);
        if (treeSize == 0 || root == 0) revert EmptyCheckpoint();
        Head storage known = _heads[logId];
        (uint64 size, bytes32 knownRoot) = (known.treeSize, known.root);
        if (treeSize < size) revert SizeNotIncreasing(size, treeSize);
        if (treeSize == size) {
            if (root != knownRoot) revert Equivocation(size, knownRoot, root);
            return false;
        }
        if (size != 0 && known.mode == Mode.Strict) {
            bool grew = Rfc6962.isConsistent(size, knownRoot, treeSize, root, proof);
            if (!grew) revert InconsistentCheckpoint(size, treeSize);
        }
        known.treeSize = treeSize;
        known.time = uint64(block.timestamp);
        known.blockNumber = uint64(block.number);
        ++known.count;
        known.root = root;
        known.chain = keccak256(abi.encode(known.chain, logId, treeSize, root, block.timestamp));
        emit Anchored(logId, treeSize, root);
        return true;
    }

    /// @inheritdoc ILogAnchor
    function registerLog(string calldata origin, address anchorer) external onlyOwner returns (bytes32 logId) {
        return _register(origin, anchorer, Mode.Strict);
    }

    /// @inheritdoc ILogAnchor
    function registerLooseLog(string calldata origin, address anchorer) external onlyOwner returns (bytes32 logId) {
        return _register(origin, anchorer, Mode.Loose);
    }

    /// @inheritdoc ILogAnchor
    function setAnchorer(bytes32 logId, address anchorer, bool allowed) external onlyOwner {
        if (_heads[logId].mode == Mode.Unregistered) revert UnknownLog(logId);
        _set(logId, anchorer, allowed);
    }

    /// @inheritdoc ILogAnchor
    function offerOwnership(address to) external onlyOwner {
        // The zero address withdraws the offer: nobody can send from it.
        _successor = to;
        emit OwnershipOffered(_owner, to);
    }

    /// @inheritdoc ILogAnchor
    function acceptOwnership() external {
        if (msg.sender != _successor) revert NotSuccessor(msg.sender);
        address previous = _owner;
        _owner = msg.sender;
        _successor = address(0);
        emit OwnershipTransferred(previous, msg.sender);
    }

    /// @inheritdoc ILogAnchor
    function head(bytes32 logId) external view returns (Head memory newest) {
        return _heads[logId];
    }

    /// @inheritdoc ILogAnchor
    function isAnchorer(bytes32 logId, address anchorer) external view returns (bool allowed) {
        return _anchorers[logId][anchorer];
    }

    /// @inheritdoc ILogAnchor
    function owner() external view returns (address) {
        return _owner;
    }

    /// @inheritdoc ILogAnchor
    function successor() external view returns (address) {
        return _successor;
    }

    function _register(string calldata origin, address anchorer, Mode mode) private returns (bytes32 logId) {
        if (bytes(origin).length == 0) revert EmptyOrigin();
        logId = sha256(bytes(origin));
        if (_heads[logId].mode != Mode.Unregistered) revert LogExists(logId);
        _heads[logId].mode = mode;
        emit LogRegistered(logId, origin, mode);
        _set(logId, anchorer, true);
    }

    function _set(bytes32 logId, address anchorer, bool allowed) private {
        if (anchorer == address(0)) revert ZeroAddress();
        _anchorers[logId][anchorer] = allowed;
        emit AnchorerSet(logId, anchorer, allowed);
    }
}
