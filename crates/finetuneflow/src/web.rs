//! The web app inside the binary: files of `web/dist`, the start page for every other address.

use std::borrow::Cow;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::api::error::{ApiError, Code};

/// Empty when the web app was not built; the server then says so.
#[derive(RustEmbed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Assets;

/// Vite puts files with a hash of their content in the name here: they never change.
const HASHED_FOLDER: &str = "assets/";

const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>FineTuneFlow</title>\
    <h1>The web app was not built</h1>\
    <p>This program was compiled without its web app. Run <code>make</code> in the source folder to build both. \
    The API works: see <a href=\"/api/openapi.json\">its description</a> and <a href=\"/health\">its health</a>.</p>";

/// Answers everything that is not the API.
pub async fn serve(request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return ApiError::new(Code::MethodNotAllowed, "Pages can only be read.").into_response();
    }
    let path = request.uri().path().trim_start_matches('/');
    if let Some(file) = Assets::get(path).filter(|_| !path.is_empty()) {
        return answer(path, &file, &request);
    }
    let last = path.rsplit('/').next().unwrap_or_default();
    if path.starts_with(HASHED_FOLDER) || last.contains('.') {
        return ApiError::new(Code::NotFound, format!("There is no file /{path}.")).into_response();
    }
    match Assets::get("index.html") {
        Some(file) => answer("index.html", &file, &request),
        None => (StatusCode::OK, [(header::CACHE_CONTROL, "no-cache")], Html(NOT_BUILT)).into_response(),
    }
}

/// Files that the build compressed have this ending, and stand beside the others.
const COMPRESSED: &str = ".gz";

fn answer(path: &str, file: &EmbeddedFile, request: &Request) -> Response {
    let etag = etag(&file.metadata.sha256_hash());
    let cache =
        if path.starts_with(HASHED_FOLDER) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut response = if is_known(request, &etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let compressed = Assets::get(&format!("{path}{COMPRESSED}")).filter(|_| takes_gzip(request));
        let mut response = Response::new(match &compressed {
            Some(compressed) => body(compressed),
            None => body(file),
        });
        if compressed.is_some() {
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        }
        let media_type = mime_guess::from_path(path).first_or_octet_stream();
        if let Ok(value) = HeaderValue::from_str(&with_charset(media_type.essence_str())) {
            response.headers_mut().insert(header::CONTENT_TYPE, value);
        }
        response
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    if let Ok(value) = HeaderValue::from_str(&etag) {
        response.headers_mut().insert(header::ETAG, value);
    }
    response
}

fn body(file: &EmbeddedFile) -> Body {
    match &file.data {
        Cow::Borrowed(bytes) => Body::from(*bytes),
        Cow::Owned(bytes) => Body::from(bytes.clone()),
    }
}

/// Whether the client names gzip, and not with a weight of nothing.
fn takes_gzip(request: &Request) -> bool {
    let given = request.headers().get_all(header::ACCEPT_ENCODING);
    given.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok());
        is_gzip && weight != Some(0.0)
    })
}

fn with_charset(media_type: &str) -> String {
    if media_type.starts_with("text/") {
        format!("{media_type}; charset=utf-8")
    } else {
        media_type.to_owned()
    }
}

/// Weak: the answer may be compressed on its way.
fn etag(hash: &[u8; 32]) -> String {
    use std::fmt::Write;

    let mut text = String::from("W/\"");
    for byte in &hash[..12] {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text.push('"');
    text
}

fn is_known(request: &Request, etag: &str) -> bool {
    let given = request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    given.is_some_and(|given| given.split(',').any(|one| one.trim() == etag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_to_those_who_take_it() {
        for (given, expected) in [
            ("gzip, deflate, br", true),
            ("br;q=1.0, GZIP;q=0.5", true),
            ("gzip;q=0, identity", false),
            ("deflate", false),
            ("", false),
        ] {
            let request = Request::builder().header(header::ACCEPT_ENCODING, given).body(Body::empty());
            assert_eq!(takes_gzip(&request.expect("a request")), expected, "{given}");
        }
    }
}
