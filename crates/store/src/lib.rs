//! All that persists: SQL, blobs, the job queue, events
