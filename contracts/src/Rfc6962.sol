// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Merkle tree proofs of RFC 6962 over SHA-256, with the checks of RFC 9162 section 2.1
/// @dev `fn`, `sn`, `fr` and `sr` are the names of RFC 9162: numbers of a node and of the last node of its level, and
/// the roots of the older and the newer tree as they grow. Both checks climb from one node to the root.
library Rfc6962 {
    /// @notice The SHA-256 precompile gave no hash: too little gas, or a chain without it
    error HashFailed();

    /// @notice Whether the leaf at `index` of the tree (size, root) has this hash, RFC 9162 section 2.1.3.2
    /// @param leafHash Hash of the leaf: SHA-256(0x00 || entry)
    /// @param index Place of the leaf, from 0
    /// @param size Number of leaves; a proof does not bind it to the root
    /// @param proof Hashes, the leaf's sibling first
    /// @param root Merkle tree hash
    /// @return True when the proof leads from the leaf to the root
    function isIncluded(bytes32 leafHash, uint256 index, uint256 size, bytes32[] calldata proof, bytes32 root)
        internal
        view
        returns (bool)
    {
        if (index >= size) return false; // step 1
        (, bytes32 r, bool whole) = _climb(leafHash, index, size - 1, proof);
        return whole && r == root; // step 5
    }

    /// @notice Whether the tree (newSize, newRoot) begins with the tree (oldSize, oldRoot), RFC 9162 section 2.1.4.2
    /// @dev A tree of no leaves is the beginning of every tree, and a proof from it proves nothing: false.
    /// @param oldSize Number of leaves of the older tree
    /// @param oldRoot Merkle tree hash of the older tree
    /// @param newSize Number of leaves of the newer tree
    /// @param newRoot Merkle tree hash of the newer tree
    /// @param proof Hashes of PROOF(oldSize, D[newSize])
    /// @return True when the proof leads to both roots; for equal sizes, when the roots are equal and the proof empty
    function isConsistent(
        uint256 oldSize,
        bytes32 oldRoot,
        uint256 newSize,
        bytes32 newRoot,
        bytes32[] calldata proof
    ) internal view returns (bool) {
        if (oldSize == newSize) return oldSize != 0 && proof.length == 0 && oldRoot == newRoot;
        if (oldSize == 0 || oldSize > newSize || proof.length == 0) return false; // step 1
        unchecked {
            (uint256 fn, uint256 sn) = (oldSize - 1, newSize - 1); // step 3
            while (fn & 1 == 1) (fn, sn) = (fn >> 1, sn >> 1); // step 4
            bytes32 seed = oldRoot;
            // Steps 2 and 5: the proof begins with the seed, unless the old tree is one complete subtree.
            if (oldSize & (oldSize - 1) != 0) (seed, proof) = (proof[0], proof[1:]);
            (bytes32 fr, bytes32 sr, bool whole) = _climb(seed, fn, sn, proof);
            return whole && fr == oldRoot && sr == newRoot; // step 7
        }
    }

    /// From node `fn` of a level, whose last node is `sn`, to the root: steps 4 of RFC 9162 section 2.1.3.2 and 6 of
    /// 2.1.4.2. `fr` is the root of the tree that ends with this node, `sr` that of the tree that ends with `sn`;
    /// `whole` says that `path` has as many hashes as there are siblings: no less (4a, 6a) and no more (5, 7).
    function _climb(bytes32 seed, uint256 fn, uint256 sn, bytes32[] calldata path)
        private
        view
        returns (bytes32 fr, bytes32 sr, bool whole)
    {
        bool hashed = true;
        assembly ("memory-safe") {
            // Two nodes to be hashed, in free memory that stays free: a word that ends with the byte 1, left, right.
            // Each hash is put where the right child of the next level is: SHA-256(0x01 || left || right).
            let a := mload(0x40)
            let b := add(a, 96)
            mstore(a, 1)
            mstore(b, 1)
            mstore(add(a, 64), seed)
            mstore(add(b, 64), seed)
            let at := path.offset
            // Below the level where `fn` is the last node: siblings on the left for both trees, on the right for one.
            for {} xor(fn, sn) {} {
                switch and(fn, 1)
                case 1 {
                    mstore(add(a, 32), calldataload(at))
                    mstore(add(b, 32), calldataload(at))
                    pop(staticcall(gas(), 2, add(a, 31), 65, add(a, 64), 32))
                }
                default {
                    mstore(add(b, 32), mload(add(b, 64)))
                    mstore(add(b, 64), calldataload(at))
                }
                pop(staticcall(gas(), 2, add(b, 31), 65, add(b, 64), 32))
                at := add(at, 32)
                fn := shr(1, fn)
                sn := shr(1, sn)
            }
            // From there on the last node has a sibling, on the left, where its number is odd: at each bit that is set.
            for {} fn {} {
                mstore(add(a, 32), calldataload(at))
                mstore(add(b, 32), calldataload(at))
                pop(staticcall(gas(), 2, add(a, 31), 65, add(a, 64), 32))
                pop(staticcall(gas(), 2, add(b, 31), 65, add(b, 64), 32))
                at := add(at, 32)
                fn := and(fn, sub(fn, 1))
            }
            fr := mload(add(a, 64))
            sr := mload(add(b, 64))
            whole := eq(at, add(path.offset, shl(5, path.length)))
            // Each call costs the same and gas only falls: when one had too little, the last one had too, and answered
            // with nothing. So does a chain without the precompile, and calls that a success.
            if sub(at, path.offset) { hashed := eq(returndatasize(), 32) }
        }
        if (!hashed) revert HashFailed();
    }
}
