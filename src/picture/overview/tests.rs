use super::*;
use ndarray::Array2;

const NAMES: [&str; 4] = ["background", "LV", "MYO", "RV"];

fn names() -> Vec<String> {
    NAMES.map(str::to_owned).into()
}

struct Case {
    image: Array2<f32>,
    labels: Array2<u8>,
    entropy: Array2<f32>,
}

/// Two nested discs on a ramp.
fn case(height: usize, width: usize) -> Case {
    let radius = |(y, x): (usize, usize)| {
        let (y, x) = (y as f32 - height as f32 / 2.0, x as f32 - width as f32 / 2.0);
        y.hypot(x) / height.min(width) as f32
    };
    let label = |place| match radius(place) {
        r if r < 0.2 => 1,
        r if r < 0.3 => 2,
        _ => 0,
    };
    Case {
        image: Array2::from_shape_fn((height, width), |(y, x)| (x + y) as f32),
        labels: Array2::from_shape_fn((height, width), label),
        entropy: Array2::from_shape_fn((height, width), |place| (1.0 - radius(place)).max(0.0)),
    }
}

fn row<'a>(case: &'a Case, title: &str) -> OverviewRow<'a> {
    OverviewRow {
        title: title.into(),
        image: case.image.view(),
        reference: Some(case.labels.view()),
        fast_labels: Some(case.labels.view()),
        labels: Some(case.labels.view()),
        entropy: Some(case.entropy.view()),
        pixel_spacing: [1.4, 1.4],
    }
}

fn count(canvas: &Canvas, rect: Rect, colour: Rgb) -> usize {
    let places = (0..rect.height).flat_map(|y| (0..rect.width).map(move |x| (x, y)));
    places.filter(|&(x, y)| canvas.pixel(rect.x + x, rect.y + y) == Some(colour)).count()
}

#[test]
fn a_sheet_has_all_columns_and_a_legend() {
    let case = case(60, 40);
    let rows = [row(&case, "first"), row(&case, "second")];
    let sheet = Sheet::new(&rows, &names()).unwrap();
    let canvas = draw_overview(&rows, &names()).unwrap();
    assert_eq!(sheet.cell, (160, 240));
    assert_eq!(sheet.columns, Column::ALL);
    for index in 0..2 {
        assert_eq!(count(&canvas, sheet.field(0, index), class_colour(1)), 0);
        for labelled in 1..4 {
            assert!(count(&canvas, sheet.field(labelled, index), class_colour(1)) > 50);
            assert!(count(&canvas, sheet.field(labelled, index), class_colour(2)) > 50);
        }
    }
    let legend =
        Rect { x: 0, y: sheet.legend_top, width: canvas.width(), height: canvas.height() - sheet.legend_top };
    for class in 1..4 {
        assert!(count(&canvas, legend, class_colour(class)) >= SWATCH * SWATCH);
    }
    let frame = Rect { x: 0, y: 0, width: MARGIN, height: canvas.height() };
    assert_eq!(count(&canvas, frame, BACKGROUND), MARGIN * canvas.height());
}

#[test]
fn missing_panels_are_empty_fields_of_the_same_columns() {
    let case = case(50, 50);
    let mut without = row(&case, "without reference");
    without.reference = None;
    let rows = [row(&case, "with"), without];
    let sheet = Sheet::new(&rows, &names()).unwrap();
    let canvas = draw_overview(&rows, &names()).unwrap();
    let field = sheet.field(1, 1);
    assert!(count(&canvas, field, EMPTY) > field.width * field.height * 9 / 10);
    assert_eq!(count(&canvas, field, class_colour(1)), 0);

    let mut bare = row(&case, "image alone");
    (bare.reference, bare.fast_labels, bare.labels, bare.entropy) = (None, None, None, None);
    let sheet = Sheet::new(std::slice::from_ref(&bare), &names()).unwrap();
    assert_eq!(sheet.columns, [Column::Image]);
    draw_overview(&[bare], &names()).unwrap();
}

#[test]
fn panels_keep_the_aspect() {
    let case = case(100, 100);
    let mut flat = row(&case, "flat");
    flat.pixel_spacing = [2.0, 1.0];
    assert_eq!(flat.panel_size(), (240, 120));
    flat.pixel_spacing = [1e-6, 1e6];
    assert_eq!(flat.panel_size(), (1, 240));
    draw_overview(&[flat], &names()).unwrap();
}

#[test]
fn long_titles_and_many_classes_stay_inside() {
    let case = case(30, 30);
    let mut row = row(&case, &"a very long title ".repeat(40));
    (row.reference, row.fast_labels, row.labels, row.entropy) = (None, None, None, None);
    let many: Vec<String> = (0..256).map(|class| format!("class number {class}")).collect();
    let canvas = draw_overview(&[row], &many).unwrap();
    let right = Rect { x: canvas.width() - MARGIN, y: 0, width: MARGIN, height: canvas.height() };
    assert_eq!(count(&canvas, right, BACKGROUND), MARGIN * canvas.height());
}

#[test]
fn what_does_not_fit_is_named() {
    let (case, other) = (case(30, 30), case(30, 31));
    let refuse = |row: OverviewRow<'_>| draw_overview(&[row], &names()).unwrap_err();

    let mut odd = row(&case, "p1");
    odd.labels = Some(other.labels.view());
    let error = refuse(odd);
    assert!(matches!(error, Error::InvalidShape(_)), "{error}");
    assert!(error.to_string().contains("`p1`: FTN+STN has shape (30, 31)"), "{error}");

    let high = Array2::from_elem((30, 30), 4u8);
    let mut odd = row(&case, "p2");
    odd.reference = Some(high.view());
    let error = refuse(odd);
    assert!(matches!(error, Error::InvalidLabel(_)) && error.to_string().contains("class 4"), "{error}");

    let mut odd = row(&case, "p3");
    odd.pixel_spacing = [1.0, f64::NAN];
    assert!(matches!(refuse(odd), Error::InvalidGeometry(_)));

    let nothing = Array2::zeros((0, 3));
    let mut odd = row(&case, "p4");
    odd.image = nothing.view();
    assert!(matches!(refuse(odd), Error::InvalidShape(_)));

    assert!(matches!(draw_overview(&[], &names()), Err(Error::InvalidArgument(_))));
    assert!(matches!(draw_overview(&[row(&case, "p")], &names()[..1]), Err(Error::InvalidArgument(_))));
}

#[test]
fn the_file_is_a_png() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("overview.png");
    let case = case(48, 64);
    write_overview(&path, &[row(&case, "case")], &names()).unwrap();
    let file = std::io::BufReader::new(std::fs::File::open(&path).unwrap());
    let reader = png::Decoder::new(file).read_info().unwrap();
    let canvas = draw_overview(&[row(&case, "case")], &names()).unwrap();
    assert_eq!(
        (reader.info().width as usize, reader.info().height as usize),
        (canvas.width(), canvas.height())
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
