"""Draws throughput.svg: rows/s over the number of pipelines, and of workers. Readable on light and on dark."""
import math

WIDTH, HEIGHT = 820, 400
TOP, BOTTOM = 96, 304  # of the plots
PANELS = ((76, 376), (496, 796))  # left and right of each

# No variables of CSS: not every program that shows an SVG knows them. One that knows no @media shows the light one.
STYLE = """
  text { font: 13px system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif; fill: #1f2328 }
  .title { font-size: 15px; font-weight: 600 }
  .small { font-size: 12px }
  .value { font-weight: 600 }
  .quiet { fill: #59636e }
  .paper { fill: #ffffff }
  .grid { stroke: #d8dee4 }
  .axis { stroke: #59636e }
  .measured { stroke: #0969da; stroke-width: 2.5; fill: none }
  .dot { fill: #0969da }
  .ideal { stroke: #59636e; stroke-width: 1.5; stroke-dasharray: 5 4; fill: none }
  .goal { stroke: #1a7f37; stroke-width: 1.5; stroke-dasharray: 2 3 }
  .goal-text { fill: #1a7f37 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .quiet { fill: #9198a1 }
    .paper { fill: #0d1117 }
    .grid { stroke: #30363d }
    .axis, .ideal { stroke: #9198a1 }
    .measured { stroke: #58a6ff }
    .dot { fill: #58a6ff }
    .goal { stroke: #3fb950 }
    .goal-text { fill: #3fb950 }
  }
"""


def step_of(most):
    """A round distance between four or five grid lines."""
    raw = most / 4
    power = 10 ** math.floor(math.log10(raw))
    return next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw)


def digits(value):
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f}"


def text(x, y, words, classes="", anchor="start"):
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" class="{classes}">{words}</text>'


def line(x1, y1, x2, y2, classes):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{classes}"/>'


def panel(left, right, title, subtitle, unit, points, processors, goal=None):
    """points: {how many: rows/s in millions}."""
    counts = sorted(points)
    ideal = {count: points[counts[0]] * min(count, processors) for count in counts}
    step = step_of(max(*points.values(), *ideal.values()) * 1.08)
    most = step * math.ceil(max(*points.values(), *ideal.values()) * 1.08 / step)
    spread = (right - left - 60) / (len(counts) - 1)
    x = {count: left + 30 + spread * i for i, count in enumerate(counts)}

    def y(value):
        return BOTTOM - value / most * (BOTTOM - TOP)

    out = [text(left, TOP - 46, title, "title"), text(left, TOP - 27, subtitle, "quiet"),
           text(left - 8, TOP - 8, "M rows/s", "quiet small", "middle")]
    for i in range(round(most / step) + 1):
        value = i * step
        out.append(line(left, y(value), right, y(value), "axis" if i == 0 else "grid"))
        out.append(text(left - 8, y(value) + 4, f"{value:g}", "quiet small", "end"))
    for count in counts:
        out.append(text(x[count], BOTTOM + 19, str(count), "", "middle"))
    out.append(text((left + right) / 2, BOTTOM + 39, unit, "quiet", "middle"))
    if goal:
        out.append(line(left, y(goal), right, y(goal), "goal"))
        out.append(text(right, y(goal) - 6, f"goal for one: {goal:g}", "goal-text small", "end"))
    for values, classes in ((ideal, "ideal"), (points, "measured")):
        way = " ".join(f"{x[count]:.1f},{y(values[count]):.1f}" for count in counts)
        out.append(f'<polyline points="{way}" class="{classes}"/>')
    for count in counts:
        out.append(f'<circle cx="{x[count]:.1f}" cy="{y(points[count]):.1f}" r="4" class="dot"/>')
        out.append(text(x[count], y(points[count]) + 20, digits(points[count]), "value", "middle"))
    return out


def draw(pipelines, workers, processors):
    """The text of the SVG. Both: {how many: rows/s in millions}."""
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
           'role="img" aria-labelledby="title">',
           f'<title id="title">Rows per second of 1 to 8 pipelines and of 1 to 8 workers on {processors} processors</title>',
           f"<style>{STYLE}</style>",
           f'<rect width="{WIDTH}" height="{HEIGHT}" rx="8" class="paper"/>']
    out += panel(*PANELS[0], "Pipelines side by side", "int64 to text, 1,000 rows in a batch", "pipelines", pipelines,
                 processors, goal=30)
    out += panel(*PANELS[1], "Workers of one pipeline", "a sink that computes 1 us for each row", "bucket.workers",
                 workers, processors)
    legend = HEIGHT - 24
    out += [line(76, legend - 4, 106, legend - 4, "measured"), text(114, legend, "measured, rows/s of all"),
            line(310, legend - 4, 340, legend - 4, "ideal"),
            text(348, legend, f"rows/s of one, times {processors} processors: no more can be gained here")]
    return "\n".join([*out, "</svg>"]) + "\n"
