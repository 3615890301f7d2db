//! The one way back from a view to the network: commands.
