//! One page of a list.

use serde::{Deserialize, Serialize};

/// Which part of a list is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Page {
    /// From 1. 0 counts as 1.
    pub page: u64,
    /// Items on a page, held within 1..=1000.
    pub per_page: u64,
}

impl Page {
    /// The largest page that is answered.
    pub const MAX_PER_PAGE: u64 = 1000;

    /// A page of the given size, numbered from 1.
    pub fn new(page: u64, per_page: u64) -> Self {
        Self { page, per_page }
    }

    pub(crate) fn clamped(self) -> Self {
        Self {
            page: self.page.clamp(1, u32::MAX.into()),
            per_page: self.per_page.clamp(1, Self::MAX_PER_PAGE),
        }
    }

    pub(crate) fn offset(self) -> u64 {
        let page = self.clamped();
        (page.page - 1) * page.per_page
    }
}

impl Default for Page {
    fn default() -> Self {
        Self { page: 1, per_page: 50 }
    }
}

/// A page of a list with the size of the whole list.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Paged<T> {
    /// The rows of this page.
    pub items: Vec<T>,
    /// Rows in the whole (filtered) list.
    pub total: u64,
    /// From 1.
    pub page: u64,
    /// Rows on a full page.
    pub per_page: u64,
}

impl<T> Paged<T> {
    pub(crate) fn new(items: Vec<T>, total: u64, page: Page) -> Self {
        let Page { page, per_page } = page.clamped();
        Self { items, total, page, per_page }
    }

    /// The same page with each item converted.
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Paged<U> {
        let Self { items, total, page, per_page } = self;
        Paged { items: items.into_iter().map(convert).collect(), total, page, per_page }
    }
}
