//! What generated parsers and their programs call of Kaitai's runtime for Rust, for tests alone.
//!
//! The runtime of version 0.11 is on no registry. This is the interface that the compiler writes
//! for, with nothing that this format's schema does not need; users take the runtime itself.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::ops::Deref;
use std::path::Path;
use std::rc::{Rc, Weak};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValidationKind {
    NotEqual,
    LessThan,
    GreaterThan,
    NotAnyOf,
    NotInEnum,
    Expr,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidationFailedError {
    pub kind: ValidationKind,
    pub src_path: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KError {
    Eof { requested: usize, available: usize },
    MissingParent,
    ValidationFailed(ValidationFailedError),
    IoError { msg: String },
    BytesDecodingError { msg: String },
    UnknownEncoding { name: String },
    CastError,
    UndecidedEndianness { src_path: String },
}

pub type KResult<T> = Result<T, KError>;

/// An owner of a structure, or nobody's yet.
pub struct OptRc<T>(Option<Rc<T>>);

impl<T> OptRc<T> {
    pub fn get(&self) -> Rc<T> {
        Rc::clone(self.0.as_ref().expect("a structure that was read"))
    }

    pub fn is_none(&self) -> bool {
        self.0.is_none()
    }
}

impl<T> Default for OptRc<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Clone for OptRc<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: fmt::Debug> fmt::Debug for OptRc<T> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(to)
    }
}

impl<T> From<T> for OptRc<T> {
    fn from(value: T) -> Self {
        Self(Some(Rc::new(value)))
    }
}

impl<T> From<Rc<T>> for OptRc<T> {
    fn from(value: Rc<T>) -> Self {
        Self(Some(value))
    }
}

impl<T> Deref for OptRc<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_deref().expect("a structure that was read")
    }
}

/// Another's structure: a root, a parent, or oneself.
pub struct SharedType<T>(RefCell<Weak<T>>);

impl<T> SharedType<T> {
    pub fn new(owner: Rc<T>) -> Self {
        Self(RefCell::new(Rc::downgrade(&owner)))
    }

    pub fn get(&self) -> KResult<OptRc<T>> {
        self.0.borrow().upgrade().map(OptRc::from).ok_or(KError::MissingParent)
    }

    pub fn get_value(&self) -> &RefCell<Weak<T>> {
        &self.0
    }

    pub fn set(&self, owner: KResult<OptRc<T>>) {
        self.0.replace(owner.map_or_else(|_| Weak::new(), |one| Rc::downgrade(&one.get())));
    }
}

impl<T> Default for SharedType<T> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<T> Clone for SharedType<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> fmt::Debug for SharedType<T> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("SharedType")
    }
}

pub trait KStruct: Default {
    type Root: KStruct;
    type Parent: KStruct;

    fn read<S: KStream>(
        self_rc: &OptRc<Self>,
        _io: &S,
        _root: SharedType<Self::Root>,
        _parent: SharedType<Self::Parent>,
    ) -> KResult<()>;

    /// A structure of a stream; what is root or parent of itself need not say so.
    fn read_into<S: KStream, T: KStruct + Any>(
        io: &S,
        root: Option<SharedType<T::Root>>,
        parent: Option<SharedType<T::Parent>>,
    ) -> KResult<OptRc<T>> {
        let made = Rc::new(T::default());
        let owner: &dyn Any = &made;
        let root = root.or_else(|| owner.downcast_ref().cloned().map(SharedType::new));
        let parent = parent.or_else(|| owner.downcast_ref().cloned().map(SharedType::new));
        let made = OptRc::from(made.clone());
        T::read(&made, io, root.unwrap_or_default(), parent.unwrap_or_default())?;
        Ok(made)
    }
}

#[derive(Clone, Copy, Debug, Default)]
pub struct KStructUnit;

impl KStruct for KStructUnit {
    type Root = Self;
    type Parent = Self;

    fn read<S: KStream>(
        _: &OptRc<Self>,
        _: &S,
        _: SharedType<Self>,
        _: SharedType<Self>,
    ) -> KResult<()> {
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Position {
    at: usize,
    bit: usize,
}

/// Bytes and a position in them; a clone has the same bytes and a position of its own.
#[derive(Clone, Debug, Default)]
pub struct BytesReader {
    bytes: Rc<Vec<u8>>,
    position: RefCell<Position>,
}

impl BytesReader {
    pub fn open<T: AsRef<Path>>(path: T) -> KResult<Self> {
        let read = std::fs::read(path);
        Ok(read.map_err(|error| KError::IoError { msg: error.to_string() })?.into())
    }
}

impl From<Vec<u8>> for BytesReader {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes: Rc::new(bytes), position: RefCell::default() }
    }
}

impl From<&[u8]> for BytesReader {
    fn from(bytes: &[u8]) -> Self {
        bytes.to_vec().into()
    }
}

impl KStream for BytesReader {
    fn clone(&self) -> BytesReader {
        Clone::clone(self)
    }

    fn own(&self) -> &BytesReader {
        self
    }
}

macro_rules! integers {
    ($($little:ident $big:ident $kind:ty;)*) => {$(
        fn $little(&self) -> KResult<$kind> {
            let bytes = self.read_bytes(std::mem::size_of::<$kind>())?;
            Ok(<$kind>::from_le_bytes(bytes.try_into().expect("so many were read")))
        }

        fn $big(&self) -> KResult<$kind> {
            let bytes = self.read_bytes(std::mem::size_of::<$kind>())?;
            Ok(<$kind>::from_be_bytes(bytes.try_into().expect("so many were read")))
        }
    )*};
}

pub trait KStream {
    fn clone(&self) -> BytesReader;
    fn own(&self) -> &BytesReader;

    fn size(&self) -> usize {
        self.own().bytes.len()
    }

    fn pos(&self) -> usize {
        self.own().position.borrow().at
    }

    fn is_eof(&self) -> bool {
        self.pos() >= self.size()
    }

    fn seek(&self, at: usize) -> KResult<()> {
        self.own().position.replace(Position { at, bit: 0 });
        Ok(())
    }

    fn read_bytes(&self, requested: usize) -> KResult<Vec<u8>> {
        let position = *self.own().position.borrow();
        let at = position.at + usize::from(position.bit > 0);
        let available = self.size().saturating_sub(at);
        if requested > available {
            return Err(KError::Eof { requested, available });
        }
        self.seek(at + requested)?;
        Ok(self.own().bytes[at..at + requested].to_vec())
    }

    fn read_bytes_full(&self) -> KResult<Vec<u8>> {
        self.read_bytes(self.size().saturating_sub(self.pos()))
    }

    fn read_u1(&self) -> KResult<u8> {
        Ok(self.read_bytes(1)?[0])
    }

    integers! {
        read_u2le read_u2be u16;
        read_u4le read_u4be u32;
        read_u8le read_u8be u64;
    }

    fn read_bits_int_be(&self, bits: usize) -> KResult<u64> {
        let mut value = 0;
        for _ in 0..bits {
            let mut position = self.own().position.borrow_mut();
            let Some(byte) = self.own().bytes.get(position.at) else {
                return Err(KError::Eof { requested: 1, available: 0 });
            };
            value = value << 1 | u64::from(byte >> (7 - position.bit) & 1);
            position.bit = (position.bit + 1) % 8;
            position.at += usize::from(position.bit == 0);
        }
        Ok(value)
    }
}

pub fn bytes_to_str(bytes: &[u8], encoding: &str) -> KResult<String> {
    if encoding != "UTF-8" {
        return Err(KError::UnknownEncoding { name: encoding.to_string() });
    }
    let text = std::str::from_utf8(bytes).map(str::to_string);
    text.map_err(|error| KError::BytesDecodingError { msg: error.to_string() })
}

#[allow(clippy::ptr_arg)] // callers convert what they give to this type
pub fn bytes_terminate(bytes: &Vec<u8>, end: u8, include: bool) -> Vec<u8> {
    let length = bytes.iter().position(|&byte| byte == end);
    bytes[..length.map_or(bytes.len(), |at| at + usize::from(include))].to_vec()
}
