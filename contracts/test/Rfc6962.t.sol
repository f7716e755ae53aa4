// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LogAnchor} from "../src/LogAnchor.sol";
import {Rfc6962} from "../src/Rfc6962.sol";
import {Rfc6962Verifier} from "../src/Rfc6962Verifier.sol";
import {Testing} from "./Oracle.sol";

/// @title Proofs of trees of any size to 90, against the recursive oracle
contract Rfc6962Test is Testing {
    Rfc6962Verifier private verifier;

    function setUp() public {
        verifier = new Rfc6962Verifier();
    }

    function testFuzz_honest_inclusion(uint256 seed, uint256 size, uint256 index) public view {
        size = within(size, 1, 90);
        index = within(index, 0, size - 1);
        bytes32[] memory hashes = path(seed, index, 0, size);
        bool found = verifier.isIncluded(leaf(seed, index), uint64(index), uint64(size), hashes, mth(seed, 0, size));
        require(found, "an honest inclusion proof was refused");
    }

    function testFuzz_spoilt_inclusion(uint256 seed, uint256 size, uint256 index, uint256 spot, bytes32 junk) public view {
        size = within(size, 2, 90);
        index = within(index, 0, size - 1);
        bytes32 root = mth(seed, 0, size);
        bytes32[] memory hashes = path(seed, index, 0, size);
        spot = spot % hashes.length;
        bytes32 honest = hashes[spot];
        vm.assume(junk != honest);
        hashes[spot] = junk;
        require(!_included(seed, index, size, hashes, root), "another hash");
        hashes[spot] = honest;
        require(!_included(seed, index, size, without(hashes, spot), root), "a hash dropped");
        require(!_included(seed, index, size, append(hashes, junk), root), "a hash added");
        require(!_included(seed, index, size, append(hashes, junk), node(junk, root)), "a hash added, and its root");
    }

    function testFuzz_inclusion_elsewhere(uint256 seed, uint256 size, uint256 index, uint64 other) public view {
        size = within(size, 1, 90);
        index = within(index, 0, size - 1);
        vm.assume(other != index);
        bytes32[] memory hashes = path(seed, index, 0, size);
        require(!verifier.isIncluded(leaf(seed, index), other, uint64(size), hashes, mth(seed, 0, size)), "elsewhere");
    }

    function testFuzz_honest_consistency(uint256 seed, uint256 newSize, uint256 oldSize) public view {
        newSize = within(newSize, 1, 90);
        oldSize = within(oldSize, 1, newSize);
        require(_consistent(seed, oldSize, newSize, proof(seed, oldSize, newSize)), "an honest proof was refused");
    }

    function testFuzz_spoilt_consistency(uint256 seed, uint256 newSize, uint256 oldSize, uint256 spot, bytes32 junk)
        public
        view
    {
        newSize = within(newSize, 2, 90);
        oldSize = within(oldSize, 1, newSize - 1);
        bytes32[] memory hashes = proof(seed, oldSize, newSize);
        spot = spot % hashes.length;
        bytes32 honest = hashes[spot];
        vm.assume(junk != honest);
        hashes[spot] = junk;
        require(!_consistent(seed, oldSize, newSize, hashes), "another hash");
        hashes[spot] = honest;
        require(!_consistent(seed, oldSize, newSize, without(hashes, spot)), "a hash dropped");
        hashes = append(hashes, junk);
        require(!_consistent(seed, oldSize, newSize, hashes), "a hash added");
        bytes32 oldRoot = node(junk, mth(seed, 0, oldSize));
        bytes32 newRoot = node(junk, mth(seed, 0, newSize));
        bool fits = verifier.isConsistent(uint64(oldSize), oldRoot, uint64(newSize), newRoot, hashes);
        require(!fits, "a hash added, and both roots");
    }

    function testFuzz_consistency_with_another_log(uint256 seed, uint256 other, uint256 newSize, uint256 oldSize)
        public
        view
    {
        vm.assume(other != seed);
        newSize = within(newSize, 2, 60);
        oldSize = within(oldSize, 1, newSize - 1);
        bytes32[] memory hashes = proof(other, oldSize, newSize);
        bytes32 oldRoot = mth(seed, 0, oldSize);
        bytes32 newRoot = mth(other, 0, newSize);
        require(!verifier.isConsistent(uint64(oldSize), oldRoot, uint64(newSize), newRoot, hashes), "a fork");
    }

    function testFuzz_consistency_backwards(uint64 oldSize, uint64 newSize, bytes32 a, bytes32 b) public view {
        vm.assume(oldSize > newSize);
        bytes32[] memory hashes = append(append(none, a), b);
        require(!verifier.isConsistent(oldSize, a, newSize, node(a, b), hashes), "two hashes");
        require(!verifier.isConsistent(oldSize, a, newSize, a, none), "no hash");
    }

    function testFuzz_any_proof_gets_an_answer(uint64 m, bytes32 a, uint64 n, bytes32 b, bytes32[] calldata hashes)
        public
        view
    {
        require(!verifier.isConsistent(m, a, n, b, hashes) || (m == n && a == b && hashes.length == 0), "made up");
        require(!verifier.isIncluded(a, m, n, hashes, b) || (m == 0 && n == 1 && a == b), "made up");
    }

    /// Where SHA-256 is not at address 2, a call to it succeeds and answers nothing: memory stays as it was.
    function testFuzz_a_chain_without_the_precompile(bytes32 a, bytes32 b) public {
        bytes32[] memory hashes = append(none, b);
        vm.mockCall(address(2), "", "");
        vm.expectRevert(abi.encodeWithSelector(Rfc6962.HashFailed.selector));
        verifier.isConsistent(1, a, 2, b, hashes);
        vm.expectRevert(abi.encodeWithSelector(Rfc6962.HashFailed.selector));
        verifier.isIncluded(a, 0, 2, hashes, b);
    }

    function testFuzz_logged_entries(uint256 seed, uint256 size, uint256 index, uint256 other) public {
        size = within(size, 1, 60);
        index = within(index, 0, size - 1);
        vm.assume(other != index);
        LogAnchor anchors = new LogAnchor(address(this));
        bytes32 logId = anchors.registerLog("log.example/oracle", address(this));
        anchors.anchor(logId, uint64(size), mth(seed, 0, size), none);
        bytes32[] memory hashes = path(seed, index, 0, size);
        require(verifier.isLogged(anchors, logId, entry(seed, index), uint64(index), hashes), "an entry was refused");
        require(!verifier.isLogged(anchors, logId, entry(seed, other), uint64(index), hashes), "another entry");
    }

    function _included(uint256 seed, uint256 index, uint256 size, bytes32[] memory hashes, bytes32 root)
        private
        view
        returns (bool)
    {
        return verifier.isIncluded(leaf(seed, index), uint64(index), uint64(size), hashes, root);
    }

    function _consistent(uint256 seed, uint256 oldSize, uint256 newSize, bytes32[] memory hashes)
        private
        view
        returns (bool)
    {
        bytes32 oldRoot = mth(seed, 0, oldSize);
        return verifier.isConsistent(uint64(oldSize), oldRoot, uint64(newSize), mth(seed, 0, newSize), hashes);
    }
}
