//! Any text as options: refused in words, or understood; what was understood says the same when it is read again.

#![no_main]

use coopseg::dataset::{FolderOptions, SplitOptions};
use coopseg::evaluate::EvaluationOptions;
use coopseg::phantom;
use coopseg::schema;
use coopseg::segment::SegmenterOptions;
use coopseg::train::{Configuration, HardExampleRequest};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(config) = Configuration::from_json(text) {
        let json = config.to_json().expect("a configuration as JSON");
        assert_eq!(Configuration::from_json(&json.to_string()).expect("its own JSON"), config);
    }
    if let Ok(options) = SegmenterOptions::from_json(text) {
        let json = serde_json::to_string(&options).expect("options as JSON");
        assert_eq!(SegmenterOptions::from_json(&json).expect("their own JSON"), options);
    }
    let _ = EvaluationOptions::from_json(text);
    let _ = schema::overlay_text(&FolderOptions::default(), text);
    let _ = schema::overlay_text(&SplitOptions::default(), text);
    let _ = schema::overlay_text(&HardExampleRequest::default(), text);
    let _ = schema::overlay_text(&phantom::Options::default(), text);
});
