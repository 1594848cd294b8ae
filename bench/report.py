"""Results as text."""

UNITS = {"s": (1.0, "s"), "ms": (1e3, "ms"), "us": (1e6, "µs")}


def duration(seconds: float) -> str:
    for limit, unit in ((1.0, "s"), (1e-3, "ms"), (0.0, "us")):
        if seconds >= limit:
            factor, text = UNITS[unit]
            return f"{seconds * factor:.3g} {text}"
    return "0 s"


def between(values: dict[str, float], text) -> str:
    return f"{text(values['median'])} ({text(values['min'])} … {text(values['max'])})"


def table(rows: list[tuple]) -> str:
    """Columns of the width of their longest entry; the first is aligned to the left."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        lines.append("  " + "   ".join(cells).rstrip())
    return "\n".join(lines)


def contest_table(result: dict) -> str:
    rows = [("", "median (min … max)", "× coopseg (min … max)", "GFLOP/s", "of peak", "GB/s", "of a copy", "peak of RAM")]
    for name, entry in result["contestants"].items():
        rows.append(
            (
                name,
                between(entry["seconds"], duration),
                between(entry["ratio"], "{:.2f}".format),
                f"{entry['gflops']:.0f}",
                f"{entry['share_of_peak']:.0%}",
                f"{entry['gbps']:.1f}",
                f"{entry['share_of_copy']:.0%}",
                f"{entry['peak_memory_bytes'] / 2**20:.0f} MiB",
            )
        )
    lines = [table(rows)]
    lines += [f"  {name} is unavailable: {reason}" for name, reason in result["unavailable"].items()]
    for contestant, found in result["checks"].get("agreement with coopseg", {}).items():
        if contestant.endswith("bf16"):
            lines.append(f"  {contestant}: {found['same_labels']:.3%} of the labels are those of float32")
    return "\n".join(lines)


def value_table(result: dict) -> str:
    text = duration if result["unit"] == "s" else lambda value: f"{value:.3g} {result['unit']}"
    return table([(name, between(values, text)) for name, values in result["values"].items()])


def as_text(result: dict) -> str:
    heading = f"{result['case']} ({result['device']})"
    if "failed" in result:
        return f"{heading}\n  cannot be measured: {result['failed']}"
    if "contestants" not in result:
        return f"{heading}\n{value_table(result)}"
    return f"{heading}: {result['operations'] / 1e9:.4g} GFLOP, {result['least_bytes'] / 1e9:.3g} GB at least\n{contest_table(result)}"


def peaks_text(device: str, peaks: dict[str, float]) -> str:
    rows = [("", "matrix product", "convolution")]
    for kind in [kind for kind in ("float32", "bfloat16") if f"{kind}_convolution_gflops" in peaks]:
        rates = (f"{peaks[f'{kind}_{what}_gflops']:.0f} GFLOP/s" for what in ("matrix_product", "convolution"))
        rows.append((kind, *rates))
    return f"machine/peak ({device}): copy {peaks['copy_gbps']:.1f} GB/s\n{table(rows)}"
