//! TensorBoard event files.

use super::Resumed;
use crate::error::{Error, Result};
use crate::standard_streams;
use crate::train::event::{Event, EventKind};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use tfrecord::protobuf::session_log::SessionStatus;
use tfrecord::protobuf::{Event as Record, SessionLog, event::What};
use tfrecord::{EventMeta, EventWriter, EventWriterConfig};

const PREFIX: &str = "events.out.tfevents.";
const SUFFIX: &str = ".coopseg";

/// Writes scalars to a file of its own in the folder.
pub struct Tensorboard {
    path: PathBuf,
    writer: EventWriter<File>,
    classes: Vec<String>,
}

impl std::fmt::Debug for Tensorboard {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        formatter.debug_struct("Tensorboard").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Tensorboard {
    /// Starts a file. One that goes on from a step tells TensorBoard to forget what lies behind it; where the
    /// epoch had not ended there, TensorBoard may see the scores of that step's validation twice.
    pub fn open(folder: &Path, classes: &[String], resumed: Option<Resumed>) -> Result<Self> {
        fs::create_dir_all(folder).map_err(|error| Error::io(folder, "create", error))?;
        if resumed.is_none() {
            remove_earlier(folder)?;
        }
        // TensorBoard reads the files of a folder in the order of their names.
        let path = (0..)
            .map(|index| {
                let seconds = now() as u64;
                folder.join(format!("{PREFIX}{seconds:010}.{index:04}{SUFFIX}"))
            })
            .find(|path| !path.exists())
            .unwrap_or_default();
        let file = standard_streams::create_new(&path).map_err(|error| Error::io(&path, "create", error))?;
        let writer = EventWriter::from_writer(file, EventWriterConfig { auto_flush: true })
            .map_err(|error| failed(&path, error))?;
        let mut own = Tensorboard { path, writer, classes: classes.to_vec() };
        own.put(0, What::FileVersion("brain.Event:2".to_owned()))?;
        if let Some(resumed) = resumed {
            let start = SessionLog { status: SessionStatus::Start.into(), ..SessionLog::default() };
            own.put(resumed.step + 1, What::SessionLog(start))?;
        }
        Ok(own)
    }

    fn put(&mut self, step: u64, what: What) -> Result<()> {
        let event = Record { wall_time: now(), step: step as i64, what: Some(what), source_metadata: None };
        self.writer.write_event(event).map_err(|error| failed(&self.path, error))
    }

    /// Writes the scalars of a step or a validation.
    pub fn event(&mut self, event: &Event) -> Result<()> {
        match event.kind {
            EventKind::Step => {
                self.scalar("loss/sum", event.step, event.losses.sum())?;
                for (name, value) in event.losses.parts() {
                    self.scalar(&format!("loss/{name}"), event.step, value)?;
                }
                self.scalar("learning_rate", event.step, event.learning_rate)?;
                self.scalar("gradient_norm", event.step, event.gradient_norm.unwrap_or(f64::NAN))?;
                self.scalar("speed/examples_per_second", event.step, event.examples_per_second)?;
                self.scalar("speed/waiting_share", event.step, event.waiting_share)?;
                self.scalar("memory/mebibytes", event.step, event.memory_bytes as f64 / 1048576.0)
            }
            EventKind::Validation => {
                let Some(scores) = &event.validation else { return Ok(()) };
                self.scalar("validation/mean_iou", event.step, scores.mean_iou)?;
                self.scalar("validation/fast_mean_iou", event.step, scores.fast_mean_iou)?;
                for (stage, dice) in [("fast", &scores.fast_dice), ("refined", &scores.refined_dice)] {
                    for (index, &dice) in dice.iter().enumerate() {
                        let class = self.classes.get(index).map_or("", String::as_str);
                        let tag = format!("dice_{stage}/{class}");
                        self.scalar(&tag, event.step, dice)?;
                    }
                }
                Ok(())
            }
            EventKind::Snapshot | EventKind::Finished => Ok(()),
        }
    }

    /// What is not finite is left out.
    fn scalar(&mut self, tag: &str, step: u64, value: f64) -> Result<()> {
        if !value.is_finite() {
            return Ok(());
        }
        let meta = EventMeta::new(step as i64, now());
        self.writer.write_scalar(tag, meta, value as f32).map_err(|error| failed(&self.path, error))
    }
}

/// Seconds since 1970, as TensorBoard counts.
/// Removes what earlier trainings have written into the folder, which TensorBoard would mix with this one's.
fn remove_earlier(folder: &Path) -> Result<()> {
    let entries = fs::read_dir(folder).map_err(|error| Error::io(folder, "read", error))?;
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with(PREFIX) && name.ends_with(SUFFIX) {
            fs::remove_file(&path).map_err(|error| Error::io(&path, "remove", error))?;
        }
    }
    Ok(())
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

fn failed(path: &Path, error: tfrecord::Error) -> Error {
    Error::io(path, "write", std::io::Error::other(error))
}
