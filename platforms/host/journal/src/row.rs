//! The bytes of one row: a header, then a frame per record.
//!
//! ```text
//! header  magic 4 bytes | previous batch u64 | records u32 | bytes of the body u32 | crc u32
//! frame   bytes of the payload u32 | crc u32 | payload
//! ```
//!
//! Numbers are little-endian. The header's crc covers the row's own id and the rest of the header,
//! a frame's crc covers its position, its length and the payload: bytes that SQLite would hand out
//! from a wrong place are as detectable as changed ones. The previous batch makes a lost row
//! visible.

use crate::error::JournalError;
use crate::position::Position;
use crate::record::{FormatError, Record};

/// A row that is being filled.
#[derive(Debug)]
pub(crate) struct Row {
    id: u64,
    records: u32,
    last: Position,
    body: Vec<u8>,
}

impl Row {
    /// An empty row; `body` is an old buffer whose capacity is used again.
    pub(crate) fn new(id: u64, mut body: Vec<u8>) -> Self {
        body.clear();
        body.resize(HEADER_BYTES, 0);
        Self { id, records: 0, last: Position::START, body }
    }

    /// Adds a record at the end, or leaves the row as it was.
    pub(crate) fn push(&mut self, record: &Record) -> Result<Position, JournalError> {
        let start = self.body.len();
        self.body.extend_from_slice(&[0; FRAME_BYTES]);
        let encoded = record.encode_into(&mut self.body);
        let bytes = self.body.len() - start - FRAME_BYTES;
        if encoded.is_err() || bytes > RECORD_BYTES_MAX {
            self.body.truncate(start);
            encoded?;
            return Err(JournalError::TooLarge(bytes));
        }
        let at = Position::new(self.id, start);
        let (_, frame) = self.body.split_at_mut(start);
        if let Some((head, payload)) = frame.split_first_chunk_mut::<FRAME_BYTES>() {
            *head = frame_head(at, payload);
        }
        self.records += 1;
        self.last = at;
        Ok(at)
    }

    /// Writes the header; `previous` is the id of the row before, 0 for the first.
    pub(crate) fn finish(&mut self, previous: u64) {
        let Self { id, records, body, .. } = self;
        let bytes = body.len() as u32;
        if let Some(head) = body.first_chunk_mut::<HEADER_BYTES>() {
            *head = Header { previous, records: *records, bytes }.encode(*id);
        }
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Position of the last record.
    pub(crate) fn last(&self) -> Position {
        self.last
    }

    pub(crate) fn records(&self) -> u32 {
        self.records
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    pub(crate) fn into_body(self) -> Vec<u8> {
        self.body
    }
}

/// What a row says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) previous: u64,
    pub(crate) records: u32,
    pub(crate) bytes: u32,
}

impl Header {
    /// The checked header of the row `id`.
    pub(crate) fn decode(id: u64, body: &[u8]) -> Result<Self, JournalError> {
        let damaged = |what: &str| JournalError::damaged(Position::new(id, 0), what);
        let head = body.first_chunk::<HEADER_BYTES>().ok_or_else(|| damaged("no row header"))?;
        let header = Self {
            previous: u64::from_le_bytes(field(head, 4)),
            records: u32::from_le_bytes(field(head, 12)),
            bytes: u32::from_le_bytes(field(head, 16)),
        };
        if *head != header.encode(id) {
            return Err(damaged("the row header's checksum or version is wrong"));
        }
        if header.bytes as usize != body.len() {
            return Err(damaged("the row has not the length it was written with"));
        }
        Ok(header)
    }

    fn encode(self, id: u64) -> [u8; HEADER_BYTES] {
        let mut head = [0; HEADER_BYTES];
        let fields: [&[u8]; 4] = [
            &MAGIC,
            &self.previous.to_le_bytes(),
            &self.records.to_le_bytes(),
            &self.bytes.to_le_bytes(),
        ];
        for (to, from) in head.iter_mut().zip(fields.into_iter().flatten()) {
            *to = *from;
        }
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&id.to_le_bytes());
        hasher.update(head.get(..20).unwrap_or_default());
        if let Some(crc) = head.last_chunk_mut::<4>() {
            *crc = hasher.finalize().to_le_bytes();
        }
        head
    }
}

/// The records of a row whose header was checked, in order; stops after the first damage.
pub(crate) struct Frames<'a> {
    id: u64,
    body: &'a [u8],
    offset: usize,
    left: u32,
}

impl<'a> Frames<'a> {
    pub(crate) fn new(id: u64, header: Header, body: &'a [u8]) -> Self {
        Self { id, body, offset: HEADER_BYTES, left: header.records }
    }

    fn step(&mut self) -> Result<Option<(Position, &'a [u8])>, JournalError> {
        let at = Position::new(self.id, self.offset);
        let rest = self.body.get(self.offset..).unwrap_or_default();
        if self.left == 0 && rest.is_empty() {
            return Ok(None);
        }
        let Some((head, rest)) = rest.split_first_chunk::<FRAME_BYTES>() else {
            return Err(JournalError::damaged(at, "the row ends before its last record"));
        };
        if self.left == 0 {
            return Err(JournalError::damaged(at, "the row goes on after its last record"));
        }
        let Some(payload) = rest.get(..payload_bytes(head)) else {
            return Err(JournalError::damaged(at, "the record ends after its row"));
        };
        check_frame(at, head, payload)?;
        self.offset += FRAME_BYTES + payload.len();
        self.left -= 1;
        Ok(Some((at, payload)))
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<(Position, &'a [u8]), JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step();
        if step.is_err() {
            self.left = 0;
            self.body = &[];
        }
        step.transpose()
    }
}

/// Length of the payload that the frame's first bytes announce, not yet believed.
pub(crate) fn payload_bytes(head: &[u8; FRAME_BYTES]) -> usize {
    u32::from_le_bytes(field(head, 0)) as usize
}

/// Whether the payload is what was written at the position.
pub(crate) fn check_frame(
    at: Position,
    head: &[u8; FRAME_BYTES],
    payload: &[u8],
) -> Result<(), JournalError> {
    if *head == frame_head(at, payload) {
        return Ok(());
    }
    Err(JournalError::damaged(at, "the record's checksum is wrong"))
}

/// The record in a checked payload. Bytes with a right checksum that are no record were written
/// by a newer program, so this is damage to us as well.
pub(crate) fn decode(at: Position, payload: &[u8]) -> Result<Record, JournalError> {
    Record::decode(payload)
        .map_err(|error: FormatError| JournalError::damaged(at, error.to_string()))
}

fn frame_head(at: Position, payload: &[u8]) -> [u8; FRAME_BYTES] {
    let bytes = (payload.len() as u32).to_le_bytes();
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&at.get().to_le_bytes());
    hasher.update(&bytes);
    hasher.update(payload);
    let [a, b, c, d] = bytes;
    let [e, f, g, h] = hasher.finalize().to_le_bytes();
    [a, b, c, d, e, f, g, h]
}

/// `N` bytes at `start`; callers pass constants within the array.
fn field<const N: usize>(bytes: &[u8], start: usize) -> [u8; N] {
    bytes.get(start..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
}

/// Largest encoded record in bytes.
pub const RECORD_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Bytes before the first frame of a row.
pub(crate) const HEADER_BYTES: usize = 24;

/// Bytes before the payload of a frame.
pub(crate) const FRAME_BYTES: usize = 8;

/// `EJ`, then the version of the row's layout.
const MAGIC: [u8; 4] = *b"EJ\x01\0";
