//! `sockeye demo`: an embedded chat server and its clients, talking through the proxy.
