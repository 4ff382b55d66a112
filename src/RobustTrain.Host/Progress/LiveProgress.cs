using System.Globalization;
using RobustTrain.Runs.Events;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace RobustTrain.Host.Progress;

/// <summary>A display that redraws itself at the bottom of a terminal, with what lasts above it.</summary>
internal sealed class LiveProgress : IProgressDisplay
{
    private static readonly TimeSpan s_refresh = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    // Free columns on the right: a line that the terminal itself breaks, be it for the ^C that it shows, would not be cleared.
    private const int Margin = 4;
    private const int LabelWidth = 26;
    private const int NoteWidth = 25;

    // Those that fonts of Windows' console have, and ASCII for a terminal whose encoding would make question marks of them; done and open
    // differ without colours too.
    private static readonly Marks s_unicode = new('█', '░', "…");
    private static readonly Marks s_ascii = new('#', '-', "...");

    private readonly IAnsiConsole _console;
    private readonly TimeProvider _time;
    private readonly Marks _marks;
    private readonly Lock _gate = new();
    private readonly Queue<string> _lasting = [];
    private readonly ManualResetEventSlim _ended = new();
    private readonly Thread _painter;
    private TrainingView _view = new();
    private SampleDataProgress? _scene;
    private PredictionProgress? _tile;
    private LearningRateProgress? _search;

    /// <summary>Begins to draw.</summary>
    public LiveProgress(IAnsiConsole console, TimeProvider time)
    {
        _console = console;
        _time = time;
        _marks = console.Profile.Capabilities.Unicode ? s_unicode : s_ascii;
        _painter = new Thread(Paint) { IsBackground = true, Name = "progress display" };
        _painter.Start();
    }

    /// <inheritdoc/>
    public void Write(RunEvent runEvent)
    {
        lock (_gate)
        {
            _view = _view.After(runEvent, _time.GetTimestamp());
            _scene = runEvent as SampleDataProgress ?? _scene;
            _tile = runEvent as PredictionProgress ?? _tile;
            _search = runEvent as LearningRateProgress ?? _search;
            if (EventText.Lasting(runEvent, _view) is { } line)
                _lasting.Enqueue(line);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _ended.Set();

        // A terminal that takes nothing (Ctrl+S) must not keep the process from its end; the painter ends with it.
        _painter.Join(s_patience);
    }

    private void Paint()
    {
        try
        {
            PaintUntilEnded();
        }
        catch (IOException)
        {
            // The terminal is gone; the training has better things to do than to end for want of a display.
        }
    }

    private void PaintUntilEnded()
    {
        _console.Live(Text.Empty).AutoClear(true).Start(live =>
        {
            bool isLast;
            do
            {
                isLast = _ended.Wait(s_refresh);
                foreach (string row in TakeLasting().SelectMany(RowsOf))
                    _console.WriteLine(row);
                live.UpdateTarget(Render());
            }
            while (!isLast);
        });
    }

    // The console writes over the display without clearing it first, and what it breaks itself it does not fill.
    private IEnumerable<string> RowsOf(string line)
    {
        int width = Math.Max(2, _console.Profile.Width) - 1;
        while (line.Length > width)
        {
            int end = line.LastIndexOf(' ', width);
            end = end <= 0 ? width : end;
            yield return line[..end].PadRight(width);
            line = line[end..].TrimStart();
        }

        yield return line.PadRight(width);
    }

    private string[] TakeLasting()
    {
        lock (_gate)
        {
            string[] lines = [.. _lasting];
            _lasting.Clear();
            return lines;
        }
    }

    private Rows Render()
    {
        TrainingView view;
        SampleDataProgress? scene;
        PredictionProgress? tile;
        LearningRateProgress? search;
        lock (_gate)
        {
            view = _view;
            scene = _scene;
            tile = _tile;
            search = _search;
        }

        List<IRenderable> rows = [];
        if (scene is not null)
            rows.Add(Bar($"scene {scene.Scene}", scene.Done, scene.Total, ""));
        if (tile is not null)
            rows.Add(Bar(tile.Name, tile.Done, tile.Total, string.Create(CultureInfo.InvariantCulture, $"{tile.Done} of {tile.Total} tiles")));
        if (search is not null)
            rows.Add(Bar("learning rates", search.Done, search.Total, string.Create(CultureInfo.InvariantCulture, $"{search.Done} of {search.Total} steps")));
        if (view.Epochs > 0)
        {
            rows.Add(Bar(view.Phase, view.Share * 100, 100, EventText.Left(view.TimeLeft(_time))));
            string epoch = string.Create(CultureInfo.InvariantCulture, $"epoch {view.Epoch} ({view.Epoch + 1} of {view.Epochs})");
            rows.Add(Bar(epoch, view.StepsDone, view.StepsPerEpoch, string.Create(CultureInfo.InvariantCulture, $"step {view.StepsDone} of {view.StepsPerEpoch}")));
        }

        if (view.Evaluation is { } pass)
            rows.Add(Bar(pass.Split, pass.Done, pass.Total, string.Create(CultureInfo.InvariantCulture, $"{pass.Done} of {pass.Total} samples")));
        else if (view.LastStep is { } step)
        {
            rows.Add(new Text(Cut(EventText.StepFigures(step))));
            if (EventText.SystemFigures(view.System).Trim() is { Length: > 0 } system)
                rows.Add(new Text(Cut(system)));
            if (view.SlowestRank is { } slowest)
                rows.Add(new Text(Cut(slowest.Describe())));
        }

        if (view.Best is { Scores: { } scores } best)
            rows.Add(new Text(Cut(string.Create(CultureInfo.InvariantCulture, $"best so far: epoch {best.Epoch}  {EventText.Scores(scores)}")), new Style(Color.Green)));
        return new Rows(rows);
    }

    private string Cut(string line) => Cut(line, Math.Max(LabelWidth, _console.Profile.Width - Margin));

    private string Cut(string text, int room) => text.Length <= room ? text : $"{text[..(room - _marks.Cut.Length)]}{_marks.Cut}";

    private Columns Bar(string label, double done, double total, string note)
    {
        int width = Math.Clamp(_console.Profile.Width - Margin - LabelWidth - NoteWidth - 3, 5, 30);
        int filled = total <= 0 ? 0 : (int)Math.Clamp(done / total * width, 0, width);
        Paragraph bar = new();
        bar.Append($"{Cut(label, LabelWidth),-LabelWidth} ");
        bar.Append(new string(_marks.Done, filled), new Style(Color.Green));
        bar.Append(new string(_marks.Open, width - filled), new Style(Color.Grey));
        bar.Append($"  {note}");
        return new Columns(bar) { Expand = false };
    }

    private sealed record Marks(char Done, char Open, string Cut);
}
