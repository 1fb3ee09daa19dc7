//! Secrets and personal data: found and replaced in every text that reaches the database.
