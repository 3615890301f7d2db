//! One direction of a session as a pure state machine: what came in, what must be written next, how it ends.
