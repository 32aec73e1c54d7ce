"use strict";
(() => {
  const ROW = 48; // pixels, as in the style sheet
  const SPARE = 4; // rows drawn above and below the visible ones
  const MOST_WORDS = 30; // a word is a bit of a 32-bit number
  const NAMES = { cpython: "CPython", pypy: "PyPy", graalpy: "GraalPy" };
  const byId = (id) => document.getElementById(id);
  const [query, list, pad, count, details] = ["query", "list", "pad", "count", "details"].map(byId);
  const data = JSON.parse(byId("search-data").textContent);

  // Rows are numbered through all builds; those of a build are the kinds of its combination, in order.
  const combinations = data.combinations.map((ranges) => {
    const kinds = [];
    for (let i = 0; i < ranges.length; i += 2) for (let n = 0; n < ranges[i + 1]; n += 1) kinds.push(ranges[i] + n);
    return kinds;
  });
  const kinds = data.kinds.map(([target, level, options, flavor]) => {
    const [short, triple] = data.targets[target];
    return { short, triple, level: data.levels[level], options: data.options[options], flavor: data.flavors[flavor] };
  });
  let total = 0;
  const newestOf = new Set();
  const builds = data.builds.map(([implementation, version, tag, combination, day]) => {
    const first = total;
    total += combinations[combination].length;
    const name = (implementation === "cpython" ? "" : implementation) + version;
    const series = version.split(".", 2).join(".");
    const published = day ?? (/^\d{8}$/.test(tag) ? `${tag.slice(0, 4)}-${tag.slice(4, 6)}-${tag.slice(6)}` : "");
    const words = [version, implementation + version, tag, `${version}+${tag}`, `${implementation}${version}+${tag}`, published];
    const isNewest = !newestOf.has(name);
    newestOf.add(name);
    return { implementation, version, series, tag, name, combination, published, first, words, isNewest };
  });

  // A word that is the whole name of something means only that; any other word is looked for anywhere.
  const levelOf = (kind) => (kind.triple.startsWith("x86_64-") ? kind.level : "");
  const wholeWords = new Set();
  for (const kind of kinds) {
    const arch = kind.triple.split("-", 1)[0];
    const options = kind.options.split("+").filter(Boolean);
    kind.whole = new Set([kind.short, kind.triple, kind.flavor, ...options, ...(levelOf(kind) ? [levelOf(kind)] : [])]);
    const leveled = kind.level === "baseline" ? "" : kind.triple.replace("x86_64", `x86_64_${kind.level}`);
    const aliases = { aarch64: "arm64", x86_64: "amd64 x64", i686: "x86 i386" }[arch] ?? "";
    kind.text = [...kind.whole, kind.options, leveled, aliases, kind.short.startsWith("macos") ? "darwin" : "",
      options.includes("freethreaded") ? "free-threaded nogil" : ""].join(" ");
    for (const word of kind.whole) wholeWords.add(word);
  }

  const inBuild = (word) => {
    if (word === "latest") return (build) => build.isNewest;
    const isWhole = /^[a-z]*\d+\.\d+\.\d+$/.test(word); // 3.12.1 is not 3.12.11
    return (build) => build.words.some((each) => each.startsWith(word) && !(isWhole && /\d/.test(each[word.length] ?? "")));
  };
  const inKind = (word) => (wholeWords.has(word) ? (kind) => kind.whole.has(word) : (kind) => kind.text.includes(word));
  const nowhere = () => false;
  // The tests of a word: all must hold, and one that is not wanted must hold nowhere.
  const testsOf = (typed) => {
    const wanted = !(typed.startsWith("-") && typed.length > 1);
    const word = wanted ? typed : typed.slice(1);
    const short = /^([a-z]*\d+\.\d+[\d.]*(?:(?:a|b|rc)\d+)?)(td|t|d)$/.exec(word);
    if (!short || !wanted) return [{ wanted, build: inBuild(word), kind: inKind(word) }];
    const options = [["freethreaded", "t"], ["debug", "d"]];
    return [{ wanted, build: inBuild(short[1]), kind: nowhere },
      ...options.map(([name, letter]) => ({ wanted: short[2].includes(letter), build: nowhere, kind: inKind(name) }))];
  };
  const bits = (tests, place, value) => tests.reduce((sum, test, i) => (test[place](value) ? sum | (1 << i) : sum), 0);

  let found = []; // builds with rows that match: the build, the places of these rows in it, and how many came before
  let size = 0;
  let current = -1;

  const search = () => {
    const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
    const tests = words.flatMap(testsOf).slice(0, MOST_WORDS);
    const wanted = tests.reduce((sum, test, i) => (test.wanted ? sum | (1 << i) : sum), 0);
    const ofKinds = kinds.map((kind) => bits(tests, "kind", kind));
    const known = new Map();
    found = [];
    size = 0;
    for (const build of builds) {
      const ofBuild = bits(tests, "build", build);
      const key = `${build.combination} ${ofBuild}`;
      let places = known.get(key);
      if (places === undefined) {
        places = [];
        combinations[build.combination].forEach((kind, place) => {
          if ((ofKinds[kind] | ofBuild) === wanted) places.push(place);
        });
        known.set(key, places);
      }
      if (places.length) {
        found.push({ build, places, before: size });
        size += places.length;
      }
    }
  };

  const at = (index) => {
    let [low, high] = [0, found.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (found[middle].before <= index) low = middle; else high = middle - 1;
    }
    const { build, places, before } = found[low];
    const place = places[index - before];
    const kind = combinations[build.combination][place];
    return { build, kind: kinds[kind], kindNumber: kind, row: build.first + place };
  };
  const label = (kind) => (["", "baseline"].includes(levelOf(kind)) ? kind.short : `${kind.short} ${kind.level}`);

  const pool = [];
  const draw = () => {
    const first = Math.max(0, Math.floor(list.scrollTop / ROW) - SPARE);
    const last = Math.min(size, Math.ceil((list.scrollTop + list.clientHeight) / ROW) + SPARE);
    while (pool.length < last - first) {
      const row = document.createElement("div");
      row.className = "row";
      row.setAttribute("role", "option");
      row.append(document.createElement("b"), document.createElement("span"));
      pad.append(row);
      pool.push(row);
    }
    pool.forEach((row, i) => {
      const index = first + i;
      row.hidden = index >= last;
      if (row.hidden) {
        row.removeAttribute("id");
        return;
      }
      const { build, kind } = at(index);
      row.id = `row-${index}`;
      row.dataset.index = index;
      row.style.top = `${index * ROW}px`;
      row.setAttribute("aria-posinset", index + 1);
      row.setAttribute("aria-setsize", size);
      row.setAttribute("aria-selected", index === current);
      row.firstChild.textContent = `${build.name}+${build.tag} ${label(kind)}`;
      row.lastChild.textContent = `${kind.options || "options not named"} · ${kind.flavor}`;
    });
  };

  const show = () => {
    pad.style.height = `${size * ROW}px`;
    list.scrollTop = 0;
    select(-1);
    const number = (value) => value.toLocaleString("en");
    count.textContent = size
      ? `${number(size)} of ${number(total)} assets; catalog date ${data.date}`
      : "No asset matches. Remove a word or a filter.";
  };

  const quoted = (text) => `"${text}"`;
  // As `init` names entries: py314t, pypy311; lines of other variants can be pasted below each other.
  const nameOf = (build, kind) => {
    const [, implementation, major, minor] = /^([a-z]*)(\d+)\.(\d+)/.exec(build.name);
    const options = kind.options.split("+");
    const letters = (options.includes("freethreaded") ? "t" : "") + (options.includes("debug") ? "d" : "");
    const level = ["", "baseline"].includes(levelOf(kind)) ? "" : `-${kind.level}`;
    const libc = kind.short.endsWith("-musl") ? "-musl" : "";
    return `${implementation || "py"}${major}${minor}${letters}${level}${libc}`;
  };
  // The line is whole, so that no setting of the manifest changes what it locks.
  const lineOf = ({ build, kind }) => {
    const keys = [`version = ${quoted(build.name)}`, `build = ${quoted(build.tag)}`];
    if (levelOf(kind)) keys.push(`cpu = ${quoted(kind.level)}`);
    keys.push(`flavor = ${quoted(kind.flavor)}`);
    if (kind.options) keys.push(`build-options = [${kind.options.split("+").map(quoted).join(", ")}]`);
    keys.push(`targets = [${quoted(kind.short)}]`);
    return `${nameOf(build, kind)} = { ${keys.join(", ")} }`;
  };

  // What comes after this script in the page, once it is there.
  let more = null;
  const whole = () => {
    if (!more && document.readyState !== "loading") more = JSON.parse(byId("details-data").textContent);
    return more;
  };
  const HASH = 32;
  const sha256Of = (row) => {
    const start = Math.floor((row * HASH) / 3);
    const stop = Math.ceil(((row + 1) * HASH) / 3);
    const bytes = atob(byId("hashes").textContent.slice(start * 4, stop * 4)).slice(row * HASH - start * 3);
    return Array.from(bytes.slice(0, HASH), (byte) => byte.charCodeAt(0).toString(16).padStart(2, "0")).join("");
  };
  const filled = (template, build) => template.replaceAll("{version}", build.version).replaceAll("{build}", build.tag);
  const urlOf = ({ build, kindNumber }) => {
    const [folder, file] = whole().files[kindNumber];
    return filled(`${whole().folders[folder]}/${file}`, build);
  };
  const fileOf = (asset) => {
    const name = urlOf(asset).split("/").pop();
    try {
      return decodeURIComponent(name);
    } catch { // a percent sign that encodes nothing
      return name;
    }
  };

  const UNKNOWN = "not known";
  const contentsOf = ({ build, kind }) => {
    const options = kind.options.split("+");
    const key = [kind.triple, options.includes("static") ? "static" : "", kind.flavor === "full" ? "full" : "", build.series].join(" ");
    const steps = build.implementation === "cpython" ? whole().contents[whole().contentsOf[key]] : [];
    const contents = new Map();
    let known = false;
    for (let i = 0; i < steps.length && steps[i] <= build.tag; i += 2) {
      known = steps[i + 1] !== 0;
      for (const number of steps[i + 1] || []) {
        const [name, version] = whole().components[number].split("=");
        if (version) contents.set(name, version); else contents.delete(name);
      }
    }
    if (!known) return null;
    const words = { cpython: `inside CPython ${build.version}`, system: "the system's", unknown: UNKNOWN };
    return new Map([...contents].sort(([one], [other]) => (one < other ? -1 : 1)).map(([name, version]) => [name, words[version] ?? version]));
  };
  // The newest build before this one, of the same series, that has an asset of the same kind.
  const sameKind = (one, other) => ["triple", "level", "options", "flavor"].every((key) => one[key] === other[key]);
  const buildBefore = ({ build, kind }) => {
    const earlier = builds
      .filter((each) => each.implementation === build.implementation && each.series === build.series && each.tag < build.tag)
      .sort((one, other) => (one.tag < other.tag ? 1 : one.tag > other.tag ? -1 : one.first - other.first));
    for (const each of earlier) {
      const number = combinations[each.combination].find((candidate) => sameKind(kinds[candidate], kind));
      if (number !== undefined) return { build: each, kind: kinds[number] };
    }
    return null;
  };

  const fillTable = (id, rows) => {
    byId(id).hidden = rows.length === 0;
    byId(id).tBodies[0].replaceChildren(...rows.map(([name, ...values]) => {
      const row = document.createElement("tr");
      const head = document.createElement("th");
      head.scope = "row";
      head.textContent = name;
      row.append(head, ...values.map((value) => Object.assign(document.createElement("td"), { textContent: value })));
      return row;
    }));
  };
  const fillContents = (asset) => {
    const now = contentsOf(asset);
    const rows = [...(now ?? [])];
    const unknown = rows.filter(([, version]) => version === UNKNOWN).map(([name]) => name);
    fillTable("components", rows.filter(([, version]) => version !== UNKNOWN));
    byId("unknown").textContent = !now ? "Not known for this build." : unknown.length ? `Versions not known: ${unknown.join(", ")}.` : "";
    const before = buildBefore(asset);
    const was = before && contentsOf(before);
    byId("since").textContent = before ? `Changes since ${before.build.name}+${before.build.tag}` : "Changes since the build before";
    const changes = [];
    if (before && before.build.version !== asset.build.version) {
      changes.push([NAMES[asset.build.implementation] ?? asset.build.implementation, before.build.version, asset.build.version]);
    }
    const names = now && was ? [...new Set([...was.keys(), ...now.keys()])].sort() : [];
    const doubtful = names.filter((name) => was.get(name) === UNKNOWN || now.get(name) === UNKNOWN);
    for (const name of names) {
      if (!doubtful.includes(name) && was.get(name) !== now.get(name)) changes.push([name, was.get(name) ?? "none", now.get(name) ?? "none"]);
    }
    let remark = "";
    if (!before) remark = "The catalog has no build before this one.";
    else if (!now || !was) remark = "Which components changed is not known.";
    else if (doubtful.length) remark = `Not known for: ${doubtful.join(", ")}.`;
    else if (!changes.length) remark = "No component changed.";
    byId("unchanged").textContent = remark;
    fillTable("changes", changes);
  };
  const fill = () => {
    const asset = at(current);
    const { build, kind } = asset;
    byId("name").textContent = `${NAMES[build.implementation] ?? build.implementation} ${build.version}+${build.tag}`;
    byId("kind").textContent = [label(kind), kind.options, kind.flavor].filter(Boolean).join(" · ");
    byId("lost").hidden = !data.gone.includes(asset.row);
    byId("line").textContent = lineOf(asset);
    byId("triple").textContent = kind.triple;
    byId("day").textContent = build.published || "not known";
    byId("date").textContent = data.date;
    if (!whole()) {
      byId("sha256").textContent = "Loading…";
      return;
    }
    byId("sha256").textContent = sha256Of(asset.row);
    byId("file").textContent = fileOf(asset);
    byId("file").href = urlOf(asset);
    fillContents(asset);
  };

  const select = (index) => {
    current = index;
    const chosen = index >= 0;
    details.hidden = !chosen;
    if (chosen) {
      fill();
      details.scrollTop = 0;
      if (index * ROW < list.scrollTop) list.scrollTop = index * ROW;
      else if ((index + 1) * ROW > list.scrollTop + list.clientHeight) list.scrollTop = (index + 1) * ROW - list.clientHeight;
    }
    draw();
    for (const each of [query, list]) {
      if (chosen) each.setAttribute("aria-activedescendant", `row-${index}`); else each.removeAttribute("aria-activedescendant");
    }
    keepLink();
  };

  // Filters are words of the query: what a filter adds can be typed, and what is typed shows in the filters.
  const filters = ["python", "newest", "target", "level", "variant", "flavor"].map(byId);
  const typed = () => query.value.split(/\s+/).filter(Boolean);
  const offer = (id, values) => {
    for (const [value, text] of values) byId(id).add(new Option(text, value));
  };
  const offerAll = () => {
    const series = new Map();
    for (const { implementation, series: name, version } of builds) {
      const word = (implementation === "cpython" ? "" : implementation) + name;
      const text = `${NAMES[implementation] ?? implementation} ${name}`;
      if (!series.has(word)) series.set(word, `${text} (${version})`);
    }
    offer("python", series);
    offer("target", [...data.targets].sort().map(([short]) => [short, short]));
    offer("level", data.levels.map((level) => [level, level]));
    offer("flavor", data.flavors.map((flavor) => [flavor, flavor]));
  };
  const showFilters = () => {
    const words = new Set(typed().map((word) => word.toLowerCase()));
    for (const filter of filters) {
      const options = [...filter.options].filter((option) => option.value);
      const chosen = options.find((option) => option.value.split(" ").every((word) => words.has(word)));
      filter.value = chosen ? chosen.value : "";
    }
  };
  const applyFilter = (filter) => {
    const own = new Set([...filter.options].flatMap((option) => option.value.split(" ")));
    const others = typed().filter((word) => !own.has(word.toLowerCase()));
    query.value = [...others, ...filter.value.split(" ").filter(Boolean)].join(" ");
    find();
  };

  const find = () => {
    search();
    show();
    showFilters();
  };

  // The query and the selected asset are in the page's address.
  let timer = 0;
  let opening = "";
  const keepLink = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const link = new URLSearchParams();
      if (query.value.trim()) link.set("q", query.value.trim());
      if (current >= 0 && whole()) link.set("asset", fileOf(at(current)));
      const text = link.toString();
      if (!opening) history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
    }, 300);
  };
  const openAsset = () => {
    if (!opening || !whole()) return;
    const name = opening;
    opening = "";
    for (let index = 0; index < size; index += 1) {
      const asset = at(index);
      if (name.includes(asset.build.tag) && fileOf(asset) === name) {
        select(index);
        return;
      }
    }
    if (query.value) {
      query.value = "";
      opening = name;
      find();
      openAsset();
    }
  };
  const openLink = () => {
    const link = new URLSearchParams(location.hash.slice(1));
    opening = link.get("asset") ?? "";
    query.value = link.get("q") ?? "";
    find();
    openAsset();
  };

  const copy = async () => {
    const copied = await copyText(byId("line").textContent, byId("copy"));
    byId("said").textContent = byId("copy").textContent = copied ? "Copied" : "Not copied";
    setTimeout(() => { byId("said").textContent = ""; byId("copy").textContent = "Copy line"; }, 1500);
  };
  const close = () => {
    select(-1);
    query.focus();
  };

  query.addEventListener("input", find);
  for (const filter of filters) filter.addEventListener("change", () => applyFilter(filter));
  let drawing = false;
  list.addEventListener("scroll", () => {
    if (drawing) return;
    drawing = true;
    requestAnimationFrame(() => { drawing = false; draw(); });
  }, { passive: true });
  addEventListener("resize", draw);
  addEventListener("hashchange", openLink);
  pad.addEventListener("click", (event) => {
    const row = event.target.closest(".row");
    if (row) select(Number(row.dataset.index));
  });
  byId("copy").addEventListener("click", copy);
  byId("close").addEventListener("click", close);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const inList = event.target === query || event.target === list;
    const page = Math.max(1, Math.floor(list.clientHeight / ROW) - 1);
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page }[event.key];
    if (inList && step && size) {
      event.preventDefault();
      select(Math.max(0, Math.min(size - 1, current + step)));
    } else if (inList && event.key === "Enter" && size) {
      event.preventDefault();
      if (current < 0) select(0);
      byId("copy").focus();
    } else if (event.key === "/" && !event.target.closest("input, select")) {
      event.preventDefault();
      query.focus();
    } else if (event.key === "Escape" && current >= 0) {
      event.preventDefault();
      close();
    } else if (event.key === "Escape" && event.target === query) {
      event.preventDefault();
      query.value = "";
      find();
    }
  });
  document.addEventListener("DOMContentLoaded", () => {
    if (current >= 0) fill();
    openAsset();
  });

  byId("filters").open = matchMedia("(min-width: 52rem)").matches;
  offerAll();
  openLink();
  query.focus({ preventScroll: true });
})();
