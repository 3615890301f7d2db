//! What a payload says: JSON, text, hex, MessagePack and CBOR, as lines a screen can show.
