//! The rules of the house, as far as the sources can show them.
