//! The price book that comes with Observa.

use std::sync::LazyLock;

use super::book::Book;
use super::listing;

/// Where the prices are from and how they were joined: `pipeline/data/README.md`.
const TEXT: &str = include_str!("../../data/prices.txt");

static BOOK: LazyLock<Book> = LazyLock::new(|| Book::new(listing::parse(TEXT).unwrap_or_default(), false));

/// The built-in book, parsed at its first use.
pub(super) fn book() -> &'static Book {
    &BOOK
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_listing_that_is_shipped_is_well_formed() {
        assert_eq!(listing::parse(TEXT).err(), None);
        assert!(book().rows().count() > 5000);
    }
}
