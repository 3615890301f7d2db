//! The one predicate language: views, search and printing all ask it.
