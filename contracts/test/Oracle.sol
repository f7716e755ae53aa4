// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The tree of RFC 6962 section 2.1 as its text defines it: recursive, slow, and with nothing clever in it
/// @dev Leaves are numbered; leaf `i` of the log `seed` is the hash of an entry that is made of both.
abstract contract Oracle {
    function leaf(uint256 seed, uint256 i) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x00), entry(seed, i)));
    }

    function entry(uint256 seed, uint256 i) internal pure returns (bytes memory) {
        return abi.encodePacked("entry ", seed, i);
    }

    function node(bytes32 left, bytes32 right) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x01), left, right));
    }

    /// The largest power of two that is smaller than n.
    function split(uint256 n) internal pure returns (uint256 k) {
        for (k = 1; 2 * k < n; k *= 2) {}
    }

    /// MTH(D[from:to])
    function mth(uint256 seed, uint256 from, uint256 to) internal pure returns (bytes32) {
        if (to - from == 1) return leaf(seed, from);
        uint256 middle = from + split(to - from);
        return node(mth(seed, from, middle), mth(seed, middle, to));
    }

    /// PATH(m, D[from:to])
    function path(uint256 seed, uint256 m, uint256 from, uint256 to) internal pure returns (bytes32[] memory) {
        if (to - from == 1) return new bytes32[](0);
        uint256 middle = from + split(to - from);
        if (m < middle) return append(path(seed, m, from, middle), mth(seed, middle, to));
        return append(path(seed, m, middle, to), mth(seed, from, middle));
    }

    /// PROOF(m, D[0:n])
    function proof(uint256 seed, uint256 m, uint256 n) internal pure returns (bytes32[] memory) {
        return subproof(seed, m, 0, n, true);
    }

    /// SUBPROOF(m, D[from:to], whole)
    function subproof(uint256 seed, uint256 m, uint256 from, uint256 to, bool whole)
        internal
        pure
        returns (bytes32[] memory)
    {
        if (m == to) return whole ? new bytes32[](0) : append(new bytes32[](0), mth(seed, from, to));
        uint256 middle = from + split(to - from);
        if (m <= middle) return append(subproof(seed, m, from, middle, whole), mth(seed, middle, to));
        return append(subproof(seed, m, middle, to, false), mth(seed, from, middle));
    }

    function append(bytes32[] memory hashes, bytes32 last) internal pure returns (bytes32[] memory longer) {
        longer = new bytes32[](hashes.length + 1);
        for (uint256 i = 0; i < hashes.length; ++i) longer[i] = hashes[i];
        longer[hashes.length] = last;
    }

    function without(bytes32[] memory hashes, uint256 gone) internal pure returns (bytes32[] memory shorter) {
        shorter = new bytes32[](hashes.length - 1);
        for (uint256 i = 0; i < shorter.length; ++i) shorter[i] = hashes[i < gone ? i : i + 1];
    }
}

/// @title The cheats of forge that these tests use
interface Vm {
    function prank(address sender) external;
    function expectRevert(bytes calldata revertData) external;
    function warp(uint256 time) external;
    function roll(uint256 number) external;
    function assume(bool holds) external pure;
    function mockCall(address callee, bytes calldata data, bytes calldata answer) external;
}

abstract contract Testing is Oracle {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    bytes32[] internal none;

    function within(uint256 value, uint256 least, uint256 most) internal pure returns (uint256) {
        return least + value % (most - least + 1);
    }
}
