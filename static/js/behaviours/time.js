// Keeps relative times true and SLA clocks running. Same words as ui_text.relative_words and ui_show.clock_state.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

function relative(at, now) {
  const span = now - at;
  const near = Math.abs(span);
  if (near >= 8 * HOUR) return null; // the server's words hold
  if (near < MINUTE) return span >= 0 ? "just now" : "in a moment";
  const words = near < HOUR ? `${Math.floor(near / MINUTE)} min` : `${Math.floor(near / HOUR)} h`;
  return span >= 0 ? `${words} ago` : `in ${words}`;
}

function length(ms) {
  const seconds = Math.floor(Math.abs(ms) / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  if (hours < 48) return minutes ? `${hours} h ${minutes} min` : `${hours} h`;
  return hours % 24 ? `${Math.floor(hours / 24)} d ${hours % 24} h` : `${Math.floor(hours / 24)} d`;
}

function tick(clock, now) {
  const left = Date.parse(clock.dataset.deadline) - now;
  const text = clock.querySelector("[data-clock-text]");
  const breached = left <= 0;
  const over = -left > HOUR ? length(left) : `${Math.floor(-left / MINUTE)} min`;
  const words = breached ? `breached ${over}` : `${length(left)} left`;
  if (text.textContent === words) return;
  text.textContent = words;
  const sla = Number(clock.dataset.sla) * 1000;
  const tone = breached ? "danger" : sla && left * 2 < sla ? "warning" : "neutral";
  if (clock.classList.contains(`tag-${tone}`)) return;
  clock.classList.remove("tag-neutral", "tag-warning", "tag-danger");
  clock.classList.add(`tag-${tone}`);
  const use = clock.querySelector("use");
  use?.setAttribute("href", use.getAttribute("href").replace(/#.*/, breached ? "#circle-alert" : "#timer"));
}

function beat() {
  if (document.hidden) return;
  const now = Date.now();
  for (const clock of document.querySelectorAll("[data-deadline]")) tick(clock, now);
  for (const time of document.querySelectorAll("time[data-relative]")) {
    const words = relative(Date.parse(time.dateTime), now);
    if (words && time.textContent !== words) time.textContent = words;
  }
}
setInterval(beat, 1000);
