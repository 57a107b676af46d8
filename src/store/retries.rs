//! The count of what a store has sent again.

/// A store sends a call again, for this reason.
pub(super) fn resent(store: &'static str, reason: &'static str) {
    #[cfg(feature = "metrics")]
    metrics::counter!("sekisho_store_retries_total", "store" => store, "reason" => reason).increment(1);
    #[cfg(not(feature = "metrics"))]
    let _ = (store, reason);
}
