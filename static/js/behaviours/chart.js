// Fetches ECharts only where a page has a chart.
import { all, onContent } from "../dom.js";

let loading = null;

onContent((root) => {
  const charts = all(root, "[data-chart]");
  if (!charts.length) return;
  loading ??= import(document.querySelector('meta[name="charts-src"]').content);
  loading.then(({ draw }) => charts.forEach(draw));
});
