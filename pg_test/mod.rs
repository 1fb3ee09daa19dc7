//! What SQL sees, in a transaction that is rolled back.
