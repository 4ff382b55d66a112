namespace RobustTrain.Reports.Documents;

/// <summary>The frame of a page that stands alone: nothing is fetched and no script runs, whatever a run is called.</summary>
internal static class PageStyle
{
    private const string Css = """
        :root{color-scheme:light dark;--bg:#fff;--fg:#1d2530;--soft:#5d6876;--line:#d9dee5;--card:#f5f7fa;--accent:#2563c9;
        --c0:#2563c9;--c1:#d1622b;--c2:#2f8f5b;--c3:#8e4fc2;--c4:#b08900;--c5:#c23a6b;--good:#1f7a4a;--bad:#b3261e;--warn:#8a6100}
        @media (prefers-color-scheme:dark){:root{--bg:#14181d;--fg:#e4e8ee;--soft:#9aa5b3;--line:#333c47;--card:#1c222a;--accent:#78a9ff;
        --c0:#78a9ff;--c1:#f0945f;--c2:#63c08f;--c3:#c397f0;--c4:#dcbb4a;--c5:#ef83ab;--good:#63c08f;--bad:#ff8a80;--warn:#e6b84d}}
        *{box-sizing:border-box}
        body{margin:0 auto;max-width:1120px;padding:28px 24px 60px;background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,"Segoe UI","DejaVu Sans",sans-serif}
        h1{font-size:27px;margin:0 0 4px;line-height:1.2;overflow-wrap:anywhere}
        h2{font-size:18px;margin:34px 0 10px;padding-top:14px;border-top:1px solid var(--line)}
        h3{font-size:15px;margin:18px 0 6px}
        p{margin:6px 0}
        .soft{color:var(--soft)}.none{color:var(--soft);font-style:italic}
        .state{display:inline-block;padding:1px 10px;border-radius:11px;font-size:13px;font-weight:600;color:#fff;background:var(--soft);vertical-align:4px;margin-left:8px}
        .state.finished{background:#1f7a4a}.state.failed{background:#b3261e}.state.running{background:#2563c9}.state.interrupted,.state.stopped{background:#8a6100}
        .error{border-left:4px solid var(--bad);background:var(--card);padding:8px 12px;margin:12px 0;overflow-wrap:anywhere}
        .tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:10px;margin:16px 0}
        .tile{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:10px 12px}
        .tile b{display:block;font-size:21px;line-height:1.25;overflow-wrap:anywhere}.tile span{color:var(--soft);font-size:13px}
        .charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(430px,1fr));gap:14px}
        figure{margin:0;border:1px solid var(--line);border-radius:8px;padding:10px 10px 4px}
        figcaption{font-weight:600;font-size:14px;padding:0 2px 4px}
        svg{display:block;width:100%;height:auto}
        .curve{fill:none;stroke-width:1.6;stroke-linejoin:round}
        .grid{stroke:var(--line);stroke-width:.8;fill:none}.axis{stroke:var(--soft);stroke-width:1;fill:none}
        .mark{stroke:var(--warn);stroke-width:1.2;stroke-dasharray:4 3;fill:none}
        .tick{fill:var(--soft);font-size:11.5px}
        .c0{stroke:var(--c0)}.c1{stroke:var(--c1)}.c2{stroke:var(--c2)}.c3{stroke:var(--c3)}.c4{stroke:var(--c4)}.c5{stroke:var(--c5)}
        circle.c0{fill:var(--c0)}circle.c1{fill:var(--c1)}circle.c2{fill:var(--c2)}circle.c3{fill:var(--c3)}circle.c4{fill:var(--c4)}circle.c5{fill:var(--c5)}
        .legend{font-size:13px;color:var(--soft)}.legend span{white-space:nowrap;margin-right:12px}
        .legend i{display:inline-block;width:14px;height:3px;vertical-align:middle;margin-right:5px}
        .k0{background:var(--c0)}.k1{background:var(--c1)}.k2{background:var(--c2)}.k3{background:var(--c3)}.k4{background:var(--c4)}.k5{background:var(--c5)}
        .scroll{overflow-x:auto}
        table{border-collapse:collapse;font-size:14px;margin:6px 0}
        th,td{padding:4px 12px 4px 0;text-align:left;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}
        th{color:var(--soft);font-weight:600}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
        table.matrix td,table.matrix th{padding:6px 10px;text-align:right;border:1px solid var(--line);font-variant-numeric:tabular-nums}
        table.matrix td.hit{font-weight:700}
        .side{display:flex;flex-wrap:wrap;gap:34px;align-items:flex-start}
        .pictures{display:grid;grid-template-columns:repeat(auto-fill,minmax(500px,1fr));gap:14px}
        .pictures img{display:block;width:100%;height:auto;image-rendering:pixelated;border-radius:4px}
        details{margin:8px 0}summary{cursor:pointer;color:var(--accent)}
        pre{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:12px;overflow-x:auto;font:13px/1.45 ui-monospace,"DejaVu Sans Mono",monospace}
        footer{margin-top:44px;color:var(--soft);font-size:13px}
        @media print{details>*{display:block}.charts{grid-template-columns:1fr 1fr}figure{break-inside:avoid}}
        """;

    /// <summary>A whole page.</summary>
    /// <param name="title">Its title.</param>
    /// <param name="body">What it shows.</param>
    public static Html Page(string title, Html body) => Html.Of(
        $"""
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="referrer" content="no-referrer">
        <title>{title}</title>
        <style>{new Html(Css)}</style>
        </head>
        <body>
        {body}
        </body>
        </html>

        """);
}
