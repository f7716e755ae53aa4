"""What a log of custody records is and proves, as pure functions of bytes and values: no clock, disk, socket or chance.

Floors from the bottom: `errors`, `encoding`, `keys` and `disclosure`, `batch`, `envelope` and `entry` (one signed
record); `log` (trees and signed notes, no minerals) and `custody` (minerals, no log); `rules` (claims and verdicts);
`evidence` (what an outsider holds and checks). Service, verifier and audit run the same code.
"""
