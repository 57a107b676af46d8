//! The fields of events in their stored form.

use super::fields::{CHANNELS, Corrupt, Written, number_of, put_purpose, read_purpose, time, tuple};
use crate::account::diagnosis::Diagnosis;
use crate::account::names::address::Channel;
use crate::account::names::ids::{AuthenticatorId, DeviceId};
use crate::account::names::purpose::Purpose;
use crate::account::names::text::Text;
use crate::otp::{Reason, UnixTime};
use minicbor::data::Type;
use minicbor::encode::Write;
use minicbor::{Decoder, Encoder};

/// The value of a field, as a log shows it.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "tracing"), allow(dead_code))]
pub(crate) enum FieldValue<'a> {
    Absent,
    Number(i64),
    Word(&'a str),
}

/// A type that events carry.
pub(in crate::account) trait EventField: Sized {
    fn write<W: Write>(&self, to: &mut Encoder<W>) -> Written<W>;

    fn read(from: &mut Decoder<'_>) -> Result<Self, Corrupt>;

    fn value(&self) -> FieldValue<'_>;

    /// The value of a field that the event's release did not have yet, if there is one.
    fn absent() -> Option<Self> {
        None
    }

    /// Reads the next field. An older release, which had fewer, may have ended before.
    fn read_next(from: &mut Decoder<'_>) -> Result<Self, Corrupt> {
        if from.position() == from.input().len() { Self::absent().ok_or(Corrupt) } else { Self::read(from) }
    }
}

impl<T: EventField> EventField for Option<T> {
    fn write<W: Write>(&self, to: &mut Encoder<W>) -> Written<W> {
        match self {
            Some(field) => field.write(to)?,
            None => {
                to.null()?;
            }
        }
        Ok(())
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, Corrupt> {
        if from.datatype()? == Type::Null {
            from.null()?;
            return Ok(None);
        }
        T::read(from).map(Some)
    }

    fn value(&self) -> FieldValue<'_> {
        self.as_ref().map_or(FieldValue::Absent, T::value)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

/// Fields that are one number in the stored form and in logs.
macro_rules! numbers {
    ($($type:ty: $write:ident($to:expr), $read:expr;)+) => {$(
        impl EventField for $type {
            fn write<W: Write>(&self, to: &mut Encoder<W>) -> Written<W> {
                let to_number: fn(&Self) -> _ = $to;
                to.$write(to_number(self))?;
                Ok(())
            }

            fn read(from: &mut Decoder<'_>) -> Result<Self, Corrupt> {
                let read: fn(&mut Decoder<'_>) -> Result<Self, Corrupt> = $read;
                read(from)
            }

            fn value(&self) -> FieldValue<'_> {
                let to_number: fn(&Self) -> _ = $to;
                FieldValue::Number(i64::try_from(to_number(self)).unwrap_or(i64::MAX))
            }
        }
    )+};
}

numbers! {
    AuthenticatorId: u32(|id| id.number()), |from| Ok(Self::new(from.u32()?));
    DeviceId: u64(|id| id.number()), |from| Ok(Self::new(from.u64()?));
    UnixTime: u64(|time| time.as_secs()), time;
    i64: i64(|number| *number), |from| Ok(from.i64()?);
    u32: u32(|number| *number), |from| Ok(from.u32()?);
    u8: u8(|number| *number), |from| Ok(from.u8()?);
}

impl EventField for bool {
    fn write<W: Write>(&self, to: &mut Encoder<W>) -> Written<W> {
        to.bool(*self)?;
        Ok(())
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, Corrupt> {
        Ok(from.bool()?)
    }

    fn value(&self) -> FieldValue<'_> {
        FieldValue::Number(i64::from(*self))
    }
}

impl EventField for Purpose {
    fn write<W: Write>(&self, to: &mut Encoder<W>) -> Written<W> {
        put_purpose(*self, to)
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, Corrupt> {
        read_purpose(from)
    }

    fn value(&self) -> FieldValue<'_> {
        FieldValue::Word(self.as_str())
    }
}

impl EventField for Text {
    fn write<W: Write>(&self, to: &mut Encoder<W>) -> Written<W> {
        to.str(self.as_str())?;
        Ok(())
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, Corrupt> {
        Self::new(from.str()?).map_err(|_| Corrupt)
    }

    fn value(&self) -> FieldValue<'_> {
        FieldValue::Word(self.as_str())
    }
}

impl EventField for Reason {
    fn write<W: Write>(&self, to: &mut Encoder<W>) -> Written<W> {
        to.u32(*self as u32)?;
        Ok(())
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, Corrupt> {
        Self::from_number(from.u32()?).ok_or(Corrupt)
    }

    fn value(&self) -> FieldValue<'_> {
        FieldValue::Word(self.as_str())
    }
}

impl EventField for Channel {
    fn write<W: Write>(&self, to: &mut Encoder<W>) -> Written<W> {
        to.u32(number_of(*self))?;
        Ok(())
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, Corrupt> {
        let number = from.u32()?;
        CHANNELS.iter().find(|(other, _)| *other == number).map(|(_, channel)| *channel).ok_or(Corrupt)
    }

    fn value(&self) -> FieldValue<'_> {
        FieldValue::Word(self.as_str())
    }
}

impl EventField for Diagnosis {
    fn write<W: Write>(&self, to: &mut Encoder<W>) -> Written<W> {
        to.array(2)?.u32(self.authenticator.number())?.i64(self.ahead_secs)?;
        Ok(())
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, Corrupt> {
        tuple(from, 2)?;
        Ok(Self { authenticator: AuthenticatorId::new(from.u32()?), ahead_secs: from.i64()? })
    }

    fn value(&self) -> FieldValue<'_> {
        // No event has one that a sink is handed.
        FieldValue::Absent
    }
}
