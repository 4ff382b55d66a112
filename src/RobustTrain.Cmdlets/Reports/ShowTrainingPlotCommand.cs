using System.Globalization;
using System.Management.Automation;
using System.Management.Automation.Host;
using RobustTrain.Cmdlets.Commands;
using RobustTrain.Cmdlets.Completion;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Reports;
using RobustTrain.Reports.Plots;
using RobustTrain.Runs;

namespace RobustTrain.Cmdlets.Reports;

/// <summary>Draws a curve of runs in the terminal, or as a picture.</summary>
[Cmdlet(VerbsCommon.Show, "TrainingPlot", SupportsShouldProcess = true, DefaultParameterSetName = PathSet)]
[OutputType(typeof(string), typeof(FileInfo))]
public sealed class ShowTrainingPlotCommand : RunCmdlet
{
    private const int Utf8 = 65001;
    private const int Utf16 = 1200;
    private const int UsualWidth = 80;
    private const int UsualHeight = 15;
    private const int MostWidth = 160;

    private readonly List<string> _runs = [];

    /// <summary>What is drawn: loss, learning_rate, a score as f1, and more.</summary>
    [Parameter(Position = 1)]
    [ArgumentCompleter(typeof(MetricCompleter))]
    [ValidateNotNullOrEmpty]
    public string Metric { get; set; } = "loss";

    /// <summary>How much of the mean of the points before goes into each point.</summary>
    [Parameter]
    [ValidateRange(0, 0.99)]
    public double Smooth { get; set; }

    /// <summary>Draws values by their logarithm.</summary>
    [Parameter]
    public SwitchParameter Logarithmic { get; set; }

    /// <summary>Columns, or pixels of a picture.</summary>
    [Parameter]
    [ValidateRange(20, 8000)]
    public int? Width { get; set; }

    /// <summary>Rows, or pixels of a picture.</summary>
    [Parameter]
    [ValidateRange(4, 8000)]
    public int? Height { get; set; }

    /// <summary>Draws with signs of ASCII alone, for terminals and fonts without braille.</summary>
    [Parameter]
    public SwitchParameter Ascii { get; set; }

    /// <summary>A PNG to write in place of drawing in the terminal.</summary>
    [Parameter]
    [FromObject("FullName")]
    [ValidateNotNullOrEmpty]
    public string? OutputPath { get; set; }

    /// <summary>Overwrites a file that is there.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    private protected override Task ProcessRunAsync(string run, CancellationToken stopping)
    {
        RunFolder.ReadRecord(run);
        _runs.Add(run);
        return Task.CompletedTask;
    }

    /// <summary>All runs share one plot.</summary>
    protected override async Task EndProcessingAsync(CancellationToken stopping)
    {
        if (_runs.Count == 0)
            return;
        if (OutputPath is not null)
        {
            await DrawPictureAsync(await ResolvePathAsync(OutputPath), stopping);
            return;
        }

        Plot plot = await WithProgressAsync(Strings.Format("PlotActivity", Metric), show => RunPlot.Of(_runs, Metric, Smooth, Logarithmic, show, stopping), stopping);
        (int width, bool isAscii, bool isColored) = await OnPipelineThread(LookAtTerminal);
        foreach (string line in TextPlot.Draw(plot, width, Height ?? UsualHeight, isAscii, isColored))
            await WriteObjectAsync(line);
    }

    private async Task DrawPictureAsync(string file, CancellationToken stopping)
    {
        if (!System.IO.Path.GetExtension(file).Equals(".png", StringComparison.OrdinalIgnoreCase))
            throw new RunException(ExitCode.Configuration, "PlotFormatUnknown", Strings.Format("PlotFormatUnknown", file, System.IO.Path.GetExtension(file)), file);
        OutputFile.Check(file, Force);
        if (!await ShouldProcessAsync(file, Strings.Format("WritePlotAction", Metric, string.Join(", ", _runs))))
            return;
        List<string> arguments = ["plot", .. _runs, "--output", file, "--metric", Metric, "--smooth", Smooth.ToString("R", CultureInfo.InvariantCulture)];
        if (Width is { } width)
            arguments.AddRange(["--width", width.ToString(CultureInfo.InvariantCulture)]);
        if (Height is { } height)
            arguments.AddRange(["--height", height.ToString(CultureInfo.InvariantCulture)]);
        if (Logarithmic)
            arguments.Add("--logarithmic");
        if (Force)
            arguments.Add("--force");
        await CallAsync(arguments, Strings.Format("PlotActivity", Metric), file, _ => { }, stopping);
        await WriteObjectAsync(new FileInfo(file));
    }

    // The console of Linux itself and dumb terminals have no braille; on Windows a code page other than UTF-8 has none either.
    private (int Width, bool IsAscii, bool IsColored) LookAtTerminal()
    {
        int width = Width ?? WindowWidth();
        string? terminal = Environment.GetEnvironmentVariable("TERM");
        bool hasBraille = terminal is not ("linux" or "dumb") && Console.OutputEncoding.CodePage is Utf8 or Utf16;
        bool isColored = Host.UI?.SupportsVirtualTerminal == true && Environment.GetEnvironmentVariable("NO_COLOR") is null or "";
        return (width, Ascii || !hasBraille, isColored);
    }

    private int WindowWidth()
    {
        try
        {
            int columns = Host.UI?.RawUI?.BufferSize.Width ?? 0;
            return columns >= 20 ? Math.Min(columns - 1, MostWidth) : UsualWidth;
        }
        catch (Exception none) when (none is HostException or NotImplementedException or IOException)
        {
            // A host without a window.
            return UsualWidth;
        }
    }
}
