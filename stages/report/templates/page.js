    (() => {
      // The page's own colours, so that plots follow the theme, and paper, without a new drawing.
      const ink = "currentColor";
      const lines = {gridColor: ink, gridOpacity: 0.12, domainColor: ink, domainOpacity: 0.35,
                     tickColor: ink, tickOpacity: 0.35};
      const config = {
        background: "transparent",
        font: "system-ui, sans-serif",
        axis: {...lines, labelColor: ink, titleColor: ink},
        header: {labelColor: ink, titleColor: ink},
      };
      const options = {renderer: "svg", actions: false, tooltip: {theme: "report"}};
      // In pixels: the space between panels, the axis left of them, the least width of a panel.
      const BESIDE = 24, AXIS = {levels: 62, cumulative: 62, gap: 62, presets: 131, shift: 52, classes: 84}, NARROWEST = 185;
      const PAPER = 700;
      // A table with more rows gets a search field.
      const LONG = 12;

      // A plot with as many panels beside each other as there is room for.
      function fitted(spec, kind, width) {
        const room = (beside) =>
          Math.floor((width - AXIS[kind] - 12 - BESIDE * (beside - 1)) / beside);
        // There is one revision: its name is left out, and its colour is the page's.
        for (const {encoding = {}} of [spec.spec, ...spec.spec.layer]) {
          const {color, tooltip} = encoding;
          if (color?.field === "rev") color.scale = {range: ["var(--accent)"]};
          if (tooltip?.length) encoding.tooltip = tooltip.filter(({field}) => field !== "rev");
        }
        const fits = (beside) => Number.isInteger(beside) && room(beside) >= NARROWEST;
        const columns = [spec.columns, spec.columns / 2].find(fits) ?? 1;
        return {
          ...spec,
          title: undefined,
          columns,
          spacing: BESIDE,
          resolve: {...spec.resolve, axis: {x: "independent"}},
          spec: {...spec.spec, width: room(columns)},
          config: {...spec.config, ...config, axis: {...spec.config.axis, ...config.axis}},
        };
      }

      const plots = [...document.querySelectorAll("script[data-plot]")].map((script) => ({
        target: document.getElementById(script.dataset.plot),
        kind: script.dataset.kind,
        spec: JSON.parse(script.textContent),
      }));
      // Draw one after the other: two at once would both end up in the page.
      let drawing = Promise.resolve(), drawn = [], drawnFor = 0;
      function draw(onPaper) {
        drawing = drawing.then(async () => {
          const width = onPaper ? PAPER : document.querySelector("main").clientWidth;
          if (width === drawnFor) return;
          drawnFor = width;
          for (const plot of drawn) plot.finalize();
          drawn = await Promise.all(plots.map(({target, kind, spec}) =>
            vegaEmbed(target, fitted(structuredClone(spec), kind, onPaper ? PAPER : target.clientWidth), options)));
          // Screen readers get the label of the whole plot, not its marks.
          for (const {target} of plots) target.ariaHidden = true;
          document.documentElement.dataset.drawn = width;
        });
      }
      let resized;
      window.addEventListener("resize", () => {
        clearTimeout(resized);
        resized = setTimeout(() => draw(false), 150);
      });
      // Everything folded is open on paper.
      let folded = [];
      window.addEventListener("beforeprint", () => {
        folded = [...document.querySelectorAll("details:not([open])")];
        for (const details of folded) details.open = true;
        draw(true);
      });
      window.addEventListener("afterprint", () => {
        for (const details of folded) details.open = false;
        draw(false);
      });
      draw(false);

      // A click on a column's head sorts: ascending, descending, as before. Names sort as 2, 10, a.
      const {compare} = new Intl.Collator("en", {numeric: true});
      const number = (text) => parseFloat(text.replace("−", "-").replaceAll(",", ""));
      for (const table of document.querySelectorAll("table.sortable")) {
        const [body] = table.tBodies, rows = [...body.rows];
        const heads = [...table.querySelectorAll("th[scope=col]")];
        for (const [column, head] of heads.entries()) {
          const button = Object.assign(document.createElement("button"), {type: "button", className: "sort"});
          button.append(...head.childNodes);
          head.append(button);
          button.addEventListener("click", () => {
            const order = {none: "ascending", ascending: "descending"}[head.ariaSort ?? "none"] ?? "none";
            for (const other of heads) other.ariaSort = null;
            head.ariaSort = order === "none" ? null : order;
            const text = (row) => row.cells[column].textContent;
            const sorted = order === "none" ? rows : rows.toSorted((row, other) =>
              column ? number(text(row)) - number(text(other)) : compare(text(row), text(other)));
            body.append(...(order === "descending" ? sorted.reverse() : sorted));
          });
        }
        if (rows.length <= LONG) continue;
        const find = Object.assign(document.createElement("p"), {className: "find"});
        find.innerHTML = '<label>Find a class <input type="search"></label> <output></output>';
        const [input, output] = find.querySelectorAll("input, output");
        input.addEventListener("input", () => {
          const word = input.value.trim().toLowerCase();
          for (const row of rows) row.hidden = !row.cells[0].textContent.toLowerCase().includes(word);
          output.textContent = word && `${rows.filter((row) => !row.hidden).length} of ${rows.length}`;
        });
        table.parentElement.before(find);
      }

      async function copy(text) {
        try {
          await navigator.clipboard.writeText(text);
        } catch {
          // Some browsers give no clipboard to a page from disk: copy a selection instead.
          const area = Object.assign(document.createElement("textarea"), {value: text});
          document.body.append(area);
          area.select();
          try {
            if (!document.execCommand("copy")) throw new Error("not copied");
          } finally {
            area.remove();
          }
        }
      }
      for (const button of document.querySelectorAll("button[data-copies]")) {
        const word = button.querySelector("span");
        button.addEventListener("click", async () => {
          const code = document.getElementById(button.dataset.copies);
          try {
            await copy(code.textContent);
            word.textContent = "Copied";
            button.classList.add("done");
          } catch {
            getSelection().selectAllChildren(code);
            word.textContent = "Selected";
          }
          button.focus();
          clearTimeout(button.timer);
          button.timer = setTimeout(() => {
            word.textContent = "Copy";
            button.classList.remove("done");
          }, 2000);
        });
      }
    })();
