    (() => {
      // The colours of the page itself: they follow the theme, and paper, without drawing anew.
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
      // In pixels: between panels, left of them for the axis, and what a panel needs at least.
      const BESIDE = 24, AXIS = {distribution: 62, shift: 52, classes: 84}, NARROWEST = 185;
      const HEIGHT = {distribution: 130}, PAPER = 700;

      // The panels of `dvc plots`, as many beside each other as there is room for.
      function fitted(spec, kind, width) {
        const {column, row, ...wrapped} = spec.facet;
        const most = column ? {{ channels | length }} : spec.columns;
        const room = (beside) =>
          Math.floor((width - AXIS[kind] - 12 - BESIDE * (beside - 1)) / beside);
        // One revision needs no name, the text above is the legend, and the page has its colours.
        for (const {encoding} of [spec.spec, ...spec.spec.layer]) {
          const {color, fill, stroke, tooltip} = encoding;
          if (color?.field) color.scale = {range: ["var(--accent)"]};
          if (fill) fill.legend = null;
          if (stroke) stroke.legend = null;
          if (tooltip?.length) encoding.tooltip = tooltip.filter(({field}) => field !== "rev");
        }
        const fits = (beside) => Number.isInteger(beside) && room(beside) >= NARROWEST;
        const columns = [most, most / 2].find(fits) ?? 1;
        return {
          ...spec,
          title: undefined,
          facet: column ?? wrapped,
          columns,
          spacing: BESIDE,
          resolve: {...spec.resolve, axis: {x: "independent"}},
          spec: {...spec.spec, width: room(columns), height: HEIGHT[kind] ?? spec.spec.height},
          config: {...spec.config, ...config, axis: {...spec.config.axis, ...config.axis}},
        };
      }

      const plots = [...document.querySelectorAll("script[data-plot]")].map((script) => ({
        target: document.getElementById(script.dataset.plot),
        kind: script.dataset.kind,
        spec: JSON.parse(script.textContent),
      }));
      // One drawing after the other: two at once would both be put into the page.
      let drawing = Promise.resolve(), drawn = [], drawnFor = 0;
      function draw(widthOf) {
        drawing = drawing.then(async () => {
          const width = widthOf();
          if (width === drawnFor) return;
          drawnFor = width;
          for (const plot of drawn) plot.finalize();
          drawn = await Promise.all(plots.map(({target, kind, spec}) =>
            vegaEmbed(target, fitted(structuredClone(spec), kind, width), options)));
          document.documentElement.dataset.drawn = width;
        });
      }
      const onScreen = () => document.querySelector("main").clientWidth, onPaper = () => PAPER;
      let resized;
      window.addEventListener("resize", () => {
        clearTimeout(resized);
        resized = setTimeout(() => draw(onScreen), 150);
      });
      window.addEventListener("beforeprint", () => draw(onPaper));
      window.addEventListener("afterprint", () => draw(onScreen));
      draw(onScreen);

      async function copy(text) {
        try {
          await navigator.clipboard.writeText(text);
        } catch {
          // Where the browser gives no clipboard to a file: the old way, by a selection.
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
