//! Interpreter for the pickle opcodes of a `state_dict` (protocols 2 to 5).
//!
//! Values live in flat tables and refer to each other by index, so neither deep nesting nor
//! cycles need recursion. Every table is limited: the memory used is at most a small multiple of
//! the pickle's size.

use std::collections::HashMap;

use super::problem::{Outcome, Problem, corrupt};
use super::value::{Global, Heap, Value};

/// Protocols that `torch.save` can be told to write.
const PROTOCOLS: std::ops::RangeInclusive<u8> = 2..=5;
/// Limit of the stack, the marks and the memo each.
const MAX_ENTRIES: usize = 1 << 20;
/// Longest module or class name.
const MAX_NAME_BYTES: usize = 256;

/// Interprets a whole pickle and returns the value it leaves.
pub(super) fn load(bytes: &[u8]) -> Outcome<(Value<'_>, Heap<'_>)> {
    let mut machine = Machine {
        bytes,
        at: 0,
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        heap: Heap::default(),
    };
    let value = machine.run().map_err(|problem| match problem {
        Problem::Corrupt(what) => Problem::Corrupt(format!("data.pkl, near byte {}: {what}", machine.at)),
        other => other,
    })?;
    Ok((value, machine.heap))
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    stack: Vec<Value<'a>>,
    /// Heights of the stack at the open marks.
    marks: Vec<usize>,
    memo: HashMap<u32, Value<'a>>,
    heap: Heap<'a>,
}

impl<'a> Machine<'a> {
    fn run(&mut self) -> Outcome<Value<'a>> {
        let [magic, protocol] = self.array()?;
        if magic != 0x80 || !PROTOCOLS.contains(&protocol) {
            return corrupt(format!(
                "it begins with {magic:#04x} {protocol:#04x}, not with a protocol from 2 to 5"
            ));
        }
        loop {
            let [opcode] = self.array()?;
            if opcode == b'.' {
                break;
            }
            self.execute(opcode)?;
        }
        let value = self.pop()?;
        if !self.stack.is_empty() || !self.marks.is_empty() || self.at != self.bytes.len() {
            return corrupt("something is left over after the end of the pickle");
        }
        Ok(value)
    }

    fn execute(&mut self, opcode: u8) -> Outcome<()> {
        match opcode {
            // FRAME: the frame's length is a hint for streams.
            0x95 => self.array::<8>().map(|_| ()),
            b'(' => self.mark(),
            b'0' => self.pop().map(|_| ()),
            b'1' => self.pop_to_mark().map(|_| ()),
            b'N' => self.push(Value::None),
            0x88 | 0x89 => self.push(Value::Bool),
            b'J' | b'K' | b'M' | 0x8a => {
                let number = self.integer(opcode)?;
                self.push(Value::Int(number))
            }
            b'G' => {
                self.array::<8>()?;
                self.push(Value::Float)
            }
            b'X' | 0x8c | 0x8d => {
                let text = self.text(opcode)?;
                self.push(Value::Text(text))
            }
            b'c' | 0x93 => self.global(opcode),
            b'q' | b'r' | 0x94 => self.memoize(opcode),
            b'h' | b'j' => self.recall(opcode),
            b')' | 0x85..=0x87 | b't' => self.tuple(opcode),
            b'}' | b']' => self.empty_container(opcode),
            b's' | b'u' => self.set_items(opcode),
            b'a' | b'e' => self.append(opcode),
            b'Q' => {
                let id = self.pop()?;
                let storage = self.heap.persistent(id)?;
                self.push(storage)
            }
            b'R' => self.reduce(),
            b'b' => self.build(),
            other => Err(Problem::Unsupported(format!(
                "data.pkl uses pickle opcode {other:#04x}, which a state_dict does not need; \
                 save model.state_dict() instead of other objects"
            ))),
        }
    }

    fn take(&mut self, length: usize) -> Outcome<&'a [u8]> {
        let slice = self.at.checked_add(length).and_then(|end| self.bytes.get(self.at..end));
        match slice {
            Some(slice) => {
                self.at += length;
                Ok(slice)
            }
            None => corrupt("the pickle ends in the middle of a value"),
        }
    }

    fn array<const N: usize>(&mut self) -> Outcome<[u8; N]> {
        match self.take(N)?.first_chunk() {
            Some(array) => Ok(*array),
            None => corrupt("the pickle ends in the middle of a value"),
        }
    }

    fn line(&mut self) -> Outcome<&'a str> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let Some(length) = rest.iter().take(MAX_NAME_BYTES).position(|&byte| byte == b'\n') else {
            return corrupt("a global's name does not end");
        };
        let line = self.take(length)?;
        self.take(1)?;
        utf8(line)
    }

    fn integer(&mut self, opcode: u8) -> Outcome<i64> {
        Ok(match opcode {
            b'J' => i32::from_le_bytes(self.array()?).into(),
            b'K' => u8::from_le_bytes(self.array()?).into(),
            b'M' => u16::from_le_bytes(self.array()?).into(),
            _ => {
                let [length] = self.array()?;
                let digits = self.take(length.into())?;
                let negative = digits.last().is_some_and(|&byte| byte & 0x80 != 0);
                let mut number = if negative { [0xff; 8] } else { [0; 8] };
                match number.get_mut(..digits.len()) {
                    Some(low) => low.copy_from_slice(digits),
                    None => return corrupt(format!("an integer of {length} bytes; at most 8 are read")),
                }
                i64::from_le_bytes(number)
            }
        })
    }

    fn text(&mut self, opcode: u8) -> Outcome<&'a str> {
        let length = match opcode {
            b'X' => u32::from_le_bytes(self.array()?).into(),
            0x8c => u8::from_le_bytes(self.array()?).into(),
            _ => u64::from_le_bytes(self.array()?),
        };
        utf8(self.take(usize::try_from(length).unwrap_or(usize::MAX))?)
    }

    fn global(&mut self, opcode: u8) -> Outcome<()> {
        let (module, name) = if opcode == b'c' {
            (self.line()?, self.line()?)
        } else {
            let (name, module) = (self.pop()?, self.pop()?);
            match (module, name) {
                (Value::Text(module), Value::Text(name)) => (module, name),
                _ => return corrupt("a global's name is not text"),
            }
        };
        self.push(Value::Global(Global::find(module, name)?))
    }

    fn memoize(&mut self, opcode: u8) -> Outcome<()> {
        let index = match opcode {
            b'q' => u8::from_le_bytes(self.array()?).into(),
            b'r' => u32::from_le_bytes(self.array()?),
            _ => self.memo.len() as u32,
        };
        let value = self.top()?;
        if self.memo.len() >= MAX_ENTRIES {
            return corrupt(format!("more than {MAX_ENTRIES} memo entries"));
        }
        self.memo.insert(index, value);
        Ok(())
    }

    fn recall(&mut self, opcode: u8) -> Outcome<()> {
        let index = match opcode {
            b'h' => u8::from_le_bytes(self.array()?).into(),
            _ => u32::from_le_bytes(self.array()?),
        };
        match self.memo.get(&index) {
            Some(&value) => self.push(value),
            None => corrupt(format!("memo entry {index} is used before it is made")),
        }
    }

    fn tuple(&mut self, opcode: u8) -> Outcome<()> {
        let items = match opcode {
            b')' => Vec::new(),
            b't' => self.pop_to_mark()?,
            _ => {
                // TUPLE1 to TUPLE3 are consecutive codes.
                let count = usize::from(opcode - 0x84);
                if self.height_above_mark() < count {
                    return corrupt("a tuple needs more values than there are");
                }
                self.stack.split_off(self.stack.len() - count)
            }
        };
        let tuple = self.heap.tuple(items)?;
        self.push(tuple)
    }

    fn empty_container(&mut self, opcode: u8) -> Outcome<()> {
        let container = if opcode == b'}' { self.heap.dict()? } else { Value::List };
        self.push(container)
    }

    fn set_items(&mut self, opcode: u8) -> Outcome<()> {
        let items = if opcode == b's' {
            let (value, key) = (self.pop()?, self.pop()?);
            vec![key, value]
        } else {
            self.pop_to_mark()?
        };
        let (pairs, rest) = items.as_chunks::<2>();
        if !rest.is_empty() {
            return corrupt("a dictionary key has no value");
        }
        let Value::Dict(index) = self.top()? else {
            return corrupt("items are set on something that is no dictionary");
        };
        self.heap.extend_dict(index, pairs)
    }

    fn append(&mut self, opcode: u8) -> Outcome<()> {
        if opcode == b'a' {
            self.pop()?;
        } else {
            self.pop_to_mark()?;
        }
        match self.top()? {
            // No list of a state_dict holds anything that matters here.
            Value::List => Ok(()),
            _ => corrupt("items are appended to something that is no list"),
        }
    }

    fn reduce(&mut self) -> Outcome<()> {
        let (arguments, callable) = (self.pop()?, self.pop()?);
        let Value::Global(global) = callable else {
            return corrupt(format!("{} is called", callable.kind()));
        };
        let result = self.heap.call(global, arguments)?;
        self.push(result)
    }

    /// Attributes of a dictionary (`_metadata`) are dropped; nothing else may have any.
    fn build(&mut self) -> Outcome<()> {
        self.pop()?;
        match self.top()? {
            Value::Dict(_) => Ok(()),
            other => corrupt(format!("attributes are set on {}", other.kind())),
        }
    }

    fn push(&mut self, value: Value<'a>) -> Outcome<()> {
        if self.stack.len() >= MAX_ENTRIES {
            return corrupt(format!("more than {MAX_ENTRIES} values are open at once"));
        }
        self.stack.push(value);
        Ok(())
    }

    fn mark(&mut self) -> Outcome<()> {
        if self.marks.len() >= MAX_ENTRIES {
            return corrupt(format!("more than {MAX_ENTRIES} marks are open at once"));
        }
        self.marks.push(self.stack.len());
        Ok(())
    }

    fn height_above_mark(&self) -> usize {
        self.stack.len().saturating_sub(self.marks.last().copied().unwrap_or(0))
    }

    fn pop(&mut self) -> Outcome<Value<'a>> {
        if self.height_above_mark() == 0 {
            return corrupt("a value is taken where there is none");
        }
        match self.stack.pop() {
            Some(value) => Ok(value),
            None => corrupt("a value is taken where there is none"),
        }
    }

    fn top(&self) -> Outcome<Value<'a>> {
        match self.stack.last() {
            Some(&value) if self.height_above_mark() > 0 => Ok(value),
            _ => corrupt("a value is needed where there is none"),
        }
    }

    fn pop_to_mark(&mut self) -> Outcome<Vec<Value<'a>>> {
        match self.marks.pop() {
            Some(height) if height <= self.stack.len() => Ok(self.stack.split_off(height)),
            _ => corrupt("a mark is missing"),
        }
    }
}

fn utf8(bytes: &[u8]) -> Outcome<&str> {
    std::str::from_utf8(bytes).or_else(|_| corrupt("text that is not UTF-8"))
}
