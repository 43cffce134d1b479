//! Who may talk to the server: hosts, origins, rates; and the headers that tell browsers what they may do.
//!
//! The studio listens on this machine only, but every page that a browser here opens could try to reach it. A request
//! must therefore name the studio's own host (against DNS rebinding), and one that changes something must come from the
//! studio's own page, from an allowed origin, or from a program that is no browser.
//! <https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html>

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower_governor::GovernorError;
use tower_governor::governor::GovernorConfigBuilder;
use tower_governor::key_extractor::KeyExtractor;
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::error::{ApiError, Code};

/// The embedded app loads nothing from elsewhere. Inline styles: the chart and dialog libraries set them on elements.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; \
     form-action 'self'; frame-ancestors 'none'";

/// Which hosts and origins are ours.
#[derive(Clone, Debug)]
pub struct Doors {
    /// The address that the server was told to listen on.
    pub bound: IpAddr,
    /// Further names under which it is reached, in lower case, without port.
    pub allowed_hosts: Vec<String>,
    /// Origins of other pages that may use the API, e.g. `https://studio.example.org`.
    pub allowed_origins: Vec<String>,
}

impl Doors {
    fn host_is_ours(&self, host: &str) -> bool {
        let name = host_name(host).to_ascii_lowercase();
        if name == "localhost" || self.allowed_hosts.contains(&name) {
            return true;
        }
        match name.trim_matches(['[', ']']).parse::<IpAddr>() {
            // An address cannot be rebound to another one: with 0.0.0.0 all of them are this machine.
            Ok(address) => address == self.bound || address.is_loopback() || self.bound.is_unspecified(),
            Err(_) => false,
        }
    }

    fn origin_is_ours(&self, origin: &str, host: &str) -> bool {
        let own = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        own.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
            || self.allowed_origins.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin))
    }
}

/// A host without its port: `localhost:8000`, `[::1]:8000`.
fn host_name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) && !ends_inside_ipv6(host) => {
            name
        }
        _ => host,
    }
}

fn ends_inside_ipv6(host: &str) -> bool {
    host.ends_with(']')
}

fn host_of<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<&'a str> {
    let named = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    named.or_else(|| uri.authority().map(|authority| authority.as_str()))
}

/// Refuses requests for other hosts, and changes that come from other pages.
pub async fn guard(State(doors): State<Arc<Doors>>, request: Request, next: Next) -> Response {
    match check(&doors, &request) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

fn check(doors: &Doors, request: &Request) -> Result<(), ApiError> {
    let host = host_of(request.headers(), request.uri()).unwrap_or_default();
    if !doors.host_is_ours(host) {
        let message = format!("This server does not answer for the host `{host}`.");
        return Err(ApiError::new(Code::HostNotAllowed, message).param("host", host));
    }
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let text = |name: HeaderName| request.headers().get(name).map(|value| value.to_str().unwrap_or("null"));
    let refused = |origin: &str| {
        let message = format!("A page from `{origin}` may not change anything here.");
        Err(ApiError::new(Code::OriginNotAllowed, message).param("origin", origin))
    };
    match text(header::ORIGIN) {
        Some(origin) if doors.origin_is_ours(origin, host) => Ok(()),
        Some(origin) => refused(origin),
        None => match text(HeaderName::from_static("sec-fetch-site")) {
            Some("same-origin" | "none") | None => Ok(()),
            Some(site) => refused(site),
        },
    }
}

/// The answer to other origins that are on the list; `None` when the list is empty.
pub fn cors(doors: &Doors) -> Option<CorsLayer> {
    if doors.allowed_origins.is_empty() {
        return None;
    }
    let origins: Vec<HeaderValue> =
        doors.allowed_origins.iter().filter_map(|origin| origin.parse().ok()).collect();
    let layer = CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([
            header::CONTENT_TYPE,
            header::AUTHORIZATION,
            HeaderName::from_static("last-event-id"),
        ])
        .expose_headers([
            HeaderName::from_static("x-request-id"),
            header::CONTENT_DISPOSITION,
            header::RETRY_AFTER,
        ]);
    Some(layer)
}

/// Tells browsers not to guess types, not to frame the page, and to load nothing from elsewhere.
pub async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Answers of the API are never kept by caches.
pub async fn no_store(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Counts requests by the address that they come from; requests without one (in-process) count together.
#[derive(Clone, Copy, Debug)]
struct Peer;

impl KeyExtractor for Peer {
    type Key = IpAddr;

    fn extract<T>(&self, request: &axum::http::Request<T>) -> Result<IpAddr, GovernorError> {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        Ok(peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip()))
    }
}

/// Adds the limit of `per_second` requests (after a first `burst`) to a router; 0 means no limit.
pub fn rate_limited(router: axum::Router, per_second: u32, burst: u32) -> axum::Router {
    if per_second == 0 {
        return router;
    }
    let nanoseconds = 1_000_000_000 / u64::from(per_second);
    let limits = GovernorConfigBuilder::default()
        .per_nanosecond(nanoseconds.max(1))
        .burst_size(burst.max(1))
        .key_extractor(Peer)
        .finish();
    match limits {
        Some(limits) => {
            router.layer(tower_governor::GovernorLayer::new(limits).error_handler(|error| too_many(&error)))
        }
        None => router,
    }
}

fn too_many(error: &GovernorError) -> Response {
    let seconds = match error {
        GovernorError::TooManyRequests { wait_time, .. } => (*wait_time).max(1),
        _ => 1,
    };
    let error = ApiError::new(Code::RateLimited, "Too many requests.").param("retry_after_seconds", seconds);
    let mut response = error.into_response();
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doors(bound: &str) -> Doors {
        Doors {
            bound: bound.parse().expect("an address"),
            allowed_hosts: vec!["studio.example.org".to_owned()],
            allowed_origins: vec!["https://other.example.org".to_owned()],
        }
    }

    #[test]
    fn hosts() {
        let cases = [
            ("127.0.0.1", "localhost:8000", true),
            ("127.0.0.1", "LocalHost", true),
            ("127.0.0.1", "127.0.0.1:8000", true),
            ("127.0.0.1", "[::1]:8000", true),
            ("127.0.0.1", "studio.example.org", true),
            ("127.0.0.1", "evil.example.org:8000", false),
            ("127.0.0.1", "localhost.evil.example.org", false),
            ("127.0.0.1", "127.0.0.1.evil.example.org", false),
            ("127.0.0.1", "192.168.1.5:8000", false),
            ("127.0.0.1", "", false),
            ("0.0.0.0", "192.168.1.5:8000", true),
            ("0.0.0.0", "evil.example.org", false),
        ];
        for (bound, host, ours) in cases {
            assert_eq!(doors(bound).host_is_ours(host), ours, "{host} when bound to {bound}");
        }
    }

    #[test]
    fn origins() {
        let cases = [
            ("http://localhost:8000", "localhost:8000", true),
            ("https://localhost:8000", "localhost:8000", true),
            ("http://localhost:3000", "localhost:8000", false),
            ("https://other.example.org", "localhost:8000", true),
            ("null", "localhost:8000", false),
            ("http://evil.example.org", "localhost:8000", false),
        ];
        for (origin, host, ours) in cases {
            assert_eq!(doors("127.0.0.1").origin_is_ours(origin, host), ours, "{origin} at {host}");
        }
    }
}
