// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ILogAnchor} from "../src/ILogAnchor.sol";
import {LogAnchor} from "../src/LogAnchor.sol";
import {Testing} from "./Oracle.sol";

/// @title One log and whoever may call
contract LogAnchorTest is Testing {
    LogAnchor private anchors;
    bytes32 private logId;

    function setUp() public {
        anchors = new LogAnchor(address(this));
        logId = anchors.registerLog("log.example/one", address(this));
    }

    function testFuzz_a_fork_cannot_be_anchored(uint256 seed, uint256 other, uint256 oldSize, uint256 newSize) public {
        vm.assume(other != seed);
        oldSize = within(oldSize, 1, 30);
        newSize = within(newSize, oldSize + 1, 60);
        anchors.anchor(logId, uint64(oldSize), mth(seed, 0, oldSize), none);
        bytes32 fork = mth(other, 0, newSize);
        bytes32[] memory hashes = proof(other, oldSize, newSize);
        vm.expectRevert(
            abi.encodeWithSelector(ILogAnchor.InconsistentCheckpoint.selector, uint64(oldSize), uint64(newSize))
        );
        anchors.anchor(logId, uint64(newSize), fork, hashes);
        require(anchors.anchor(logId, uint64(newSize), mth(seed, 0, newSize), proof(seed, oldSize, newSize)), "honest");
        require(anchors.head(logId).root == mth(seed, 0, newSize), "the honest root is the head");
    }

    function testFuzz_only_the_anchorer_anchors(address caller, uint64 size, bytes32 root) public {
        vm.assume(caller != address(this));
        vm.expectRevert(abi.encodeWithSelector(ILogAnchor.NotAnchorer.selector, logId, caller));
        vm.prank(caller);
        anchors.anchor(logId, size, root, none);
    }

    function testFuzz_only_the_owner_decides(address caller, address anchorer) public {
        vm.assume(caller != address(this));
        bytes memory refusal = abi.encodeWithSelector(ILogAnchor.NotOwner.selector, caller);
        vm.expectRevert(refusal);
        vm.prank(caller);
        anchors.registerLog("log.example/two", anchorer);
        vm.expectRevert(refusal);
        vm.prank(caller);
        anchors.registerLooseLog("log.example/two", anchorer);
        vm.expectRevert(refusal);
        vm.prank(caller);
        anchors.setAnchorer(logId, anchorer, true);
        vm.expectRevert(refusal);
        vm.prank(caller);
        anchors.offerOwnership(caller);
        vm.expectRevert(abi.encodeWithSelector(ILogAnchor.NotSuccessor.selector, caller));
        vm.prank(caller);
        anchors.acceptOwnership();
    }

    function testFuzz_heads_never_shrink(uint64 size, uint64 smaller, bytes32 root, bytes32 other) public {
        vm.assume(size > 1 && root != 0 && other != 0);
        smaller = uint64(within(smaller, 1, size - 1));
        bytes32 loose = anchors.registerLooseLog("log.example/loose", address(this));
        anchors.anchor(loose, size, root, none);
        vm.expectRevert(abi.encodeWithSelector(ILogAnchor.SizeNotIncreasing.selector, size, smaller));
        anchors.anchor(loose, smaller, other, none);
    }

    function testFuzz_one_size_has_one_root(uint64 size, bytes32 root, bytes32 other) public {
        vm.assume(size != 0 && root != 0 && other != 0 && other != root);
        require(anchors.anchor(logId, size, root, none), "the first one");
        require(!anchors.anchor(logId, size, root, none), "the same one again");
        vm.expectRevert(abi.encodeWithSelector(ILogAnchor.Equivocation.selector, size, root, other));
        anchors.anchor(logId, size, other, none);
        require(anchors.head(logId).count == 1, "counted once");
    }

    function testFuzz_ownership_passes_in_two_steps(address heir) public {
        vm.assume(heir != address(this) && heir != address(0));
        anchors.offerOwnership(heir);
        require(anchors.owner() == address(this), "not yet");
        vm.prank(heir);
        anchors.acceptOwnership();
        require(anchors.owner() == heir && anchors.successor() == address(0), "now");
        vm.expectRevert(abi.encodeWithSelector(ILogAnchor.NotOwner.selector, address(this)));
        anchors.setAnchorer(logId, heir, true);
    }
}

/// @title Grows one log honestly, tries to break it in every way it can, and remembers what has to be true
contract Handler is Testing {
    uint256 public constant SEED = 42;
    uint256 private constant LARGEST = 70;
    LogAnchor public immutable anchors;
    bytes32 public immutable logId;
    bytes32 public immutable otherId;
    uint64 public size;
    uint32 public count;
    bytes32 public chain;
    uint256 public broken;

    constructor() {
        anchors = new LogAnchor(address(this));
        logId = anchors.registerLog("log.example/handled", address(this));
        otherId = anchors.registerLog("log.example/other", address(this));
        _taken(1);
        anchors.anchor(logId, 1, mth(SEED, 0, 1), none);
    }

    function grow(uint8 by) external {
        uint64 next = size + 1 + by % 4;
        if (next > LARGEST) return;
        bytes32[] memory hashes = proof(SEED, size, next);
        _taken(next);
        if (!anchors.anchor(logId, next, mth(SEED, 0, next), hashes)) ++broken;
    }

    function repeatHead() external {
        if (anchors.anchor(logId, size, mth(SEED, 0, size), none)) ++broken;
    }

    function fork(uint8 by, uint256 seed) external {
        uint64 next = size + 1 + by % 8;
        if (seed != SEED) _refused(next, mth(seed, 0, next), proof(seed, size, next));
    }

    function shrink(uint8 by) external {
        if (size > 1) _refused(size - 1 - by % (size - 1), mth(SEED, 0, 1), none);
    }

    function equivocate(bytes32 root) external {
        if (root != mth(SEED, 0, size)) _refused(size, root, none);
    }

    function makeUp(uint64 next, bytes32 root, bytes32[] calldata hashes) external {
        if (next != size || root != mth(SEED, 0, size)) _refused(next, root, hashes);
    }

    function anotherLog(uint64 next, bytes32 root) external {
        try anchors.anchor(otherId, next, root, none) {} catch {}
    }

    function revokeAndAllow(bytes32 root) external {
        anchors.setAnchorer(logId, address(this), false);
        _refused(size + 1, root, none);
        anchors.setAnchorer(logId, address(this), true);
    }

    function wait(uint32 time) external {
        vm.warp(block.timestamp + time % 1 days);
        vm.roll(block.number + time % 7);
    }

    function _taken(uint64 next) private {
        (size, count) = (next, count + 1);
        chain = keccak256(abi.encode(chain, logId, next, mth(SEED, 0, next), block.timestamp));
    }

    function _refused(uint64 next, bytes32 root, bytes32[] memory hashes) private {
        try anchors.anchor(logId, next, root, hashes) {
            ++broken;
        } catch {}
    }
}

/// @title Whatever is called in whatever order, the head is that of the honest log
contract LogAnchorInvariants is Testing {
    Handler private handler;

    function setUp() public {
        handler = new Handler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_the_head_is_the_honest_log() external view {
        ILogAnchor.Head memory head = handler.anchors().head(handler.logId());
        require(head.treeSize == handler.size(), "size");
        require(head.root == mth(handler.SEED(), 0, head.treeSize), "root");
        require(head.mode == ILogAnchor.Mode.Strict, "mode");
    }

    function invariant_the_chain_runs_over_every_checkpoint() external view {
        ILogAnchor.Head memory head = handler.anchors().head(handler.logId());
        require(head.count == handler.count(), "count");
        require(head.chain == handler.chain(), "chain");
        require(head.time <= block.timestamp && head.blockNumber <= block.number, "time");
    }

    function invariant_nothing_else_was_taken() external view {
        require(handler.broken() == 0, "a call that had to be refused was taken, or a retry counted");
    }

    function invariant_ownership_stays() external view {
        require(handler.anchors().owner() == address(handler), "owner");
        require(handler.anchors().successor() == address(0), "successor");
    }
}
