// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ILogAnchor} from "./ILogAnchor.sol";
import {Rfc6962} from "./Rfc6962.sol";

/// @title Proofs of RFC 6962 logs for other contracts
/// @notice Stateless: one deployment serves everybody, and eth_call needs none. Anchoring does not depend on it.
contract Rfc6962Verifier {
    /// @notice Whether an entry is in a log, by the newest checkpoint that was anchored for that log
    /// @dev The safe way to ask: size and root come from the anchored head, and the entry is hashed here.
    /// @param anchors Contract that holds the head
    /// @param logId SHA-256 of the log's origin
    /// @param entry The entry's bytes
    /// @param index Its place in the log, from 0
    /// @param proof Inclusion proof to the anchored size, the leaf's sibling first
    /// @return True when the proof leads from the entry to the anchored root
    function isLogged(
        ILogAnchor anchors,
        bytes32 logId,
        bytes calldata entry,
        uint64 index,
        bytes32[] calldata proof
    ) external view returns (bool) {
        ILogAnchor.Head memory head = anchors.head(logId);
        bytes32 leafHash = sha256(abi.encodePacked(bytes1(0x00), entry));
        return Rfc6962.isIncluded(leafHash, index, head.treeSize, proof, head.root);
    }

    /// @notice Whether the leaf at `index` of the tree (size, root) has this hash, RFC 9162 section 2.1.3.2
    /// @dev The proof does not bind the size to the root, and a hash is a leaf's only when the caller computed it from
    /// an entry: `isLogged` sees to both.
    /// @param leafHash SHA-256(0x00 || entry)
    /// @param index Place of the leaf, from 0
    /// @param size Number of leaves
    /// @param proof Hashes, the leaf's sibling first
    /// @param root Merkle tree hash
    /// @return True when the proof leads from the leaf to the root
    function isIncluded(bytes32 leafHash, uint64 index, uint64 size, bytes32[] calldata proof, bytes32 root)
        external
        view
        returns (bool)
    {
        return Rfc6962.isIncluded(leafHash, index, size, proof, root);
    }

    /// @notice Whether the tree (newSize, newRoot) begins with the tree (oldSize, oldRoot), RFC 9162 section 2.1.4.2
    /// @param oldSize Number of leaves of the older tree; nothing is shown from a tree without leaves
    /// @param oldRoot Merkle tree hash of the older tree
    /// @param newSize Number of leaves of the newer tree
    /// @param newRoot Merkle tree hash of the newer tree
    /// @param proof Hashes of PROOF(oldSize, D[newSize])
    /// @return True when the proof leads to both roots; for equal sizes, when the roots are equal and the proof empty
    function isConsistent(
        uint64 oldSize,
        bytes32 oldRoot,
        uint64 newSize,
        bytes32 newRoot,
        bytes32[] calldata proof
    ) external view returns (bool) {
        return Rfc6962.isConsistent(oldSize, oldRoot, newSize, newRoot, proof);
    }
}
