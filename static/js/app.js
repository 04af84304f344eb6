// On every page: each module attaches itself. See docs/ui.md for the data attributes.
import "./behaviours/live.js";
import "./behaviours/toast.js";
import "./behaviours/dialog.js";
import "./behaviours/confirm.js";
import "./behaviours/popover.js";
import "./behaviours/menu.js";
import "./behaviours/submit_once.js";
import "./behaviours/autosubmit.js";
import "./behaviours/search.js";
import "./behaviours/shortcuts.js";
import "./behaviours/list.js";
import "./behaviours/theme.js";
import "./behaviours/time.js";
import "./behaviours/bulk.js";
import "./behaviours/formset.js";
import "./behaviours/copy.js";
import "./behaviours/insert.js";
import "./behaviours/tabs.js";
import "./behaviours/chart.js";
import "./behaviours/queue.js";
import "./behaviours/cells.js";
import "./behaviours/columns.js";

document.documentElement.classList.add("js");
