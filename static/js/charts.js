// ECharts with only the parts used. Options come as JSON from the page; colours and text follow the theme.
import { BarChart, FunnelChart, LineChart, ScatterChart } from "echarts/charts";
import { DatasetComponent, GridComponent, LegendComponent, MarkLineComponent, TitleComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";

use([BarChart, FunnelChart, LineChart, ScatterChart, DatasetComponent, GridComponent, LegendComponent, MarkLineComponent, TitleComponent, TooltipComponent, SVGRenderer]);

const TONES = { primary: "--color-primary", info: "--color-info", success: "--color-success", warning: "--color-accent", danger: "--color-error", secondary: "--color-secondary", muted: "--lg-muted", edge: "--lg-edge" };
const drawn = new Map();

/** A token as a colour ECharts can mix (it does not know oklch). */
function colour(variable) {
  const pixel = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  pixel.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(variable);
  pixel.fillRect(0, 0, 1, 1);
  const [red, green, blue] = pixel.getImageData(0, 0, 1, 1).data;
  return `rgb(${red}, ${green}, ${blue})`;
}

function painted(value) {
  if (Array.isArray(value)) return value.map(painted);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, key.toLowerCase().includes("color") && TONES[inner] ? colour(TONES[inner]) : painted(inner)]),
  );
}

function themed(option) {
  const text = colour("--color-base-content");
  const muted = colour("--lg-muted");
  const line = colour("--color-base-300");
  const axis = (given) =>
    given && [given].flat().map((one) => ({
      ...one,
      axisLabel: { color: muted, fontSize: 11, ...one.axisLabel },
      axisLine: { lineStyle: { color: line }, ...one.axisLine },
      axisTick: { show: false, ...one.axisTick },
      splitLine: { lineStyle: { color: line }, ...one.splitLine },
    }));
  const own = painted(option);
  return {
    color: ["--color-primary", "--color-secondary", "--color-accent", "--color-info", "--lg-edge"].map(colour),
    textStyle: { fontFamily: "Inter Variable, Inter, system-ui, sans-serif", color: text },
    grid: { left: 8, right: 16, top: 24, bottom: 8, containLabel: true },
    animation: !matchMedia("(prefers-reduced-motion: reduce)").matches,
    animationDuration: 300,
    ...own,
    // richText: the HTML tooltip sets style attributes, which the content security policy refuses.
    tooltip: { trigger: "axis", ...own.tooltip, renderMode: "richText", confine: true, backgroundColor: colour("--color-base-100"), borderColor: line, textStyle: { color: text, fontSize: 12 } },
    legend: own.legend && { textStyle: { color: text, fontSize: 12 }, icon: "roundRect", itemWidth: 10, itemHeight: 10, ...own.legend },
    xAxis: axis(own.xAxis),
    yAxis: axis(own.yAxis),
  };
}

/** Draw (or redraw) the chart of an element from the JSON it carries. */
export function draw(element) {
  let chart = drawn.get(element);
  if (!chart) {
    chart = init(element, null, { renderer: "svg" });
    drawn.set(element, chart);
    new ResizeObserver(() => chart.resize()).observe(element);
  }
  chart.setOption(themed(JSON.parse(element.dataset.chart)), true);
}

document.addEventListener("theme-changed", () => {
  for (const element of drawn.keys()) {
    if (element.isConnected) draw(element);
    else {
      drawn.get(element).dispose();
      drawn.delete(element);
    }
  }
});
