//! Portable Symmetric Key Container (RFC 6030), with keys in plain: how vendors hand over the
//! secrets of hardware tokens.

use super::encoding::{self, Encoding};
use super::error::ReadError;
use super::loose_uri::{digits_of, period_of};
use super::short_secrets::ShortSecrets;
use crate::account::{PortableApp, Text};
use crate::otp::Totp;
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use roxmltree::{Document, Node, ParsingOptions};

const NAMESPACE: &str = "urn:ietf:params:xml:ns:keyprov:pskc";
/// The algorithm of RFC 6030 §10.2's registry for time-based codes.
const TOTP: &str = "urn:ietf:params:xml:ns:keyprov:pskc:totp";
/// More elements than that are no list of tokens.
const MAX_NODES: u32 = 10_000_000;
/// No container of so many bytes is read.
const MAX_LEN: usize = 256 << 20;

/// A key of a container.
#[derive(Debug)]
#[non_exhaustive]
pub struct PskcKey {
    /// The key's `Id`.
    pub id: String,
    /// The serial number of the device that has it.
    pub serial: Option<String>,
    /// The user whom the container names.
    pub user: Option<String>,
    /// The line on which the key begins, from 1.
    pub line: u32,
    /// The token, or why it is not taken.
    pub app: Result<PortableApp, ReadError>,
}

pub(super) fn read(short: ShortSecrets, xml: &str) -> Result<Vec<PskcKey>, ReadError> {
    if xml.len() > MAX_LEN {
        return Err(ReadError::Pskc("it has more than 256 MB: split it"));
    }
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(xml, options).map_err(|_| ReadError::Pskc("it is no XML"))?;
    let root = document.root_element();
    if !root.has_tag_name((NAMESPACE, "KeyContainer")) {
        return Err(ReadError::Pskc("its first element is no KeyContainer"));
    }
    let (mut line, mut counted) = (1_u32, 0);
    let mut keys = Vec::new();
    for package in children(root, "KeyPackage") {
        let Some(own) = child(package, "Key") else { continue };
        // From the key before on: counting from the beginning each time takes the square of it.
        let start = own.range().start;
        let ends = xml.get(counted..start).unwrap_or_default().matches('\n').count();
        (line, counted) = (line.saturating_add(u32::try_from(ends).unwrap_or(u32::MAX)), start);
        keys.push(key(short, package, own, line));
    }
    Ok(keys)
}

fn key(short: ShortSecrets, package: Node<'_, '_>, key: Node<'_, '_>, line: u32) -> PskcKey {
    let serial = find(package, &["DeviceInfo", "SerialNo"]).and_then(|node| node.text());
    let user = child(key, "UserId").or_else(|| find(package, &["DeviceInfo", "UserId"])).and_then(|node| node.text());
    let [serial, user] = [serial, user].map(|text| text.map(|text| text.trim().to_owned()));
    let app = app(short, key).map(|app| match serial.as_deref().map(Text::new) {
        Some(Ok(name)) => app.named(name),
        _ => app,
    });
    PskcKey { id: key.attribute("Id").unwrap_or_default().to_owned(), serial, user, line, app }
}

fn app(short: ShortSecrets, key: Node<'_, '_>) -> Result<PortableApp, ReadError> {
    match key.attribute("Algorithm") {
        Some(algorithm) if algorithm.eq_ignore_ascii_case(TOTP) => {}
        Some(_) => return Err(ReadError::Value("the algorithm of the key")),
        None => return Err(ReadError::Missing("the algorithm of the key")),
    }
    let mut totp = Totp::DEFAULT;
    if let Some(suite) = find(key, &["AlgorithmParameters", "Suite"]).and_then(|node| node.text()) {
        totp.algorithm = encoding::algorithm(suite).ok_or(ReadError::Value("Suite"))?;
    }
    let format = find(key, &["AlgorithmParameters", "ResponseFormat"]);
    let format = format.ok_or(ReadError::Missing("ResponseFormat"))?;
    if !format.attribute("Encoding").is_some_and(|encoding| encoding.eq_ignore_ascii_case("DECIMAL")) {
        return Err(ReadError::Parameter("Encoding"));
    }
    if format.attribute("CheckDigits").is_some_and(|value| matches!(value, "true" | "1")) {
        return Err(ReadError::Parameter("CheckDigits"));
    }
    totp.digits = digits_of(format.attribute("Length").unwrap_or_default())?;
    if let Some(interval) = plain(key, "TimeInterval")? {
        totp.period = period_of(interval)?;
    }
    let secret = plain(key, "Secret")?.ok_or(ReadError::Missing("the secret"))?;
    let secret = encoding::secret(secret, Encoding::Base64)?;
    let app = short.app(secret, totp)?;
    Ok(match plain(key, "TimeDrift")? {
        Some(drift) => app.with_drift(drift.parse().map_err(|_| ReadError::Value("TimeDrift"))?),
        None => app,
    })
}

/// A value of a key, which has to be in plain.
fn plain<'a>(key: Node<'a, '_>, name: &str) -> Result<Option<&'a str>, ReadError> {
    let Some(value) = find(key, &["Data", name]) else { return Ok(None) };
    if child(value, "EncryptedValue").is_some() {
        return Err(ReadError::Encrypted);
    }
    Ok(child(value, "PlainValue").and_then(|node| node.text()).map(str::trim))
}

fn find<'a, 'd>(node: Node<'a, 'd>, path: &[&str]) -> Option<Node<'a, 'd>> {
    path.iter().try_fold(node, |node, name| child(node, name))
}

fn child<'a, 'd>(node: Node<'a, 'd>, name: &str) -> Option<Node<'a, 'd>> {
    children(node, name).next()
}

fn children<'a, 'd>(node: Node<'a, 'd>, name: &str) -> impl Iterator<Item = Node<'a, 'd>> {
    node.children().filter(move |child| child.has_tag_name((NAMESPACE, name)))
}
