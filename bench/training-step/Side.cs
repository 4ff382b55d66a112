using System.Diagnostics;
using System.Globalization;

namespace RobustTrain.Bench.TrainingStep;

/// <summary>A process that trains in its turns.</summary>
internal sealed class Side : IDisposable
{
    private readonly Process _process;

    public Side(string name, string program, IEnumerable<string> arguments, int threads)
    {
        Name = name;
        ProcessStartInfo start = new(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.Environment["OMP_NUM_THREADS"] = threads.ToString(CultureInfo.InvariantCulture);
        start.Environment["OPENBLAS_NUM_THREADS"] = threads.ToString(CultureInfo.InvariantCulture);
        // As RobustTrain sets it for itself; without it the others' step takes up to 30 times as long while anything else needs a core.
        start.Environment.TryAdd("GOMP_SPINCOUNT", "1000");
        _process = Process.Start(start)!;
        string ready = Answer();
        if (ready != "ready") throw new InvalidOperationException($"{name} answered '{ready}' where 'ready' was expected.");
    }

    public string Name { get; }

    /// <summary>The median step of each turn, in milliseconds.</summary>
    public List<double> TurnMilliseconds { get; } = [];

    /// <summary>The processor time of a step in each turn, all threads together, in milliseconds: what a busy machine disturbs least.</summary>
    public List<double> TurnProcessorMilliseconds { get; } = [];

    /// <summary>Resident memory at its highest, in bytes.</summary>
    public long PeakMemoryBytes
    {
        get
        {
            _process.Refresh();
            return _process.PeakWorkingSet64;
        }
    }

    public void TakeTurn()
    {
        TimeSpan before = ProcessorTime();
        _process.StandardInput.WriteLine("turn");
        _process.StandardInput.Flush();
        double[] steps = [.. Answer().Split(' ').Select(value => double.Parse(value, CultureInfo.InvariantCulture))];
        TurnMilliseconds.Add(Statistics.Median(steps));
        TurnProcessorMilliseconds.Add((ProcessorTime() - before).TotalMilliseconds / steps.Length);
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }

    private TimeSpan ProcessorTime()
    {
        _process.Refresh();
        return _process.TotalProcessorTime;
    }

    private string Answer() => _process.StandardOutput.ReadLine() ?? throw new InvalidOperationException($"{Name} ended; its messages stand above.");
}
