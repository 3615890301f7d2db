//! Sockets: listening, telling modes apart, HTTP beside WebSockets, and driving the relay.
