//! A certificate for a server, and of the authority that vouches for it.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::path::PathBuf;

/// In PEM.
pub(crate) struct Certificates {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    pub(crate) authority: Vec<u8>,
    /// The authority's, as a file.
    pub(crate) authority_file: PathBuf,
    /// A client's, by the same authority: certificate and key.
    pub(crate) client: (Vec<u8>, Vec<u8>),
    _folder: tempfile::TempDir,
}

impl Certificates {
    /// For a server of that name.
    pub(crate) fn of(name: &str) -> Self {
        let mut params = named("authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let (key, own_key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let authority = params.self_signed(&key).unwrap().pem().into_bytes();
        let issuer = Issuer::new(params, key);
        let own = named(name).signed_by(&own_key, &issuer).unwrap();
        let client_key = KeyPair::generate().unwrap();
        let client = named("postgres").signed_by(&client_key, &issuer).unwrap();
        let client = (client.pem().into_bytes(), client_key.serialize_pem().into_bytes());
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = (folder.path().join("certificate"), folder.path().join("key"));
        std::fs::write(&certificate, own.pem()).unwrap();
        let authority_file = folder.path().join("authority");
        std::fs::write(&authority_file, &authority).unwrap();
        std::fs::write(&key, own_key.serialize_pem()).unwrap();
        Self { certificate, key, authority, authority_file, client, _folder: folder }
    }
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}
