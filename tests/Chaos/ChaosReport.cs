using System.Globalization;

namespace RobustTrain.Chaos;

/// <summary>What a chaos run has found.</summary>
/// <param name="FaultsAsked">The faults that were asked for.</param>
/// <param name="Applied">The faults that happened, by kind.</param>
/// <param name="Surprises">Ends of the trainer that no fault explains.</param>
/// <param name="Starts">How often the trainer was started.</param>
/// <param name="Alone">How long the untouched training took.</param>
/// <param name="AmongFaults">How long the other took.</param>
/// <param name="Comparison">The two runs' files.</param>
/// <param name="Leftovers">What was left behind.</param>
public sealed record ChaosReport(
    int FaultsAsked, IReadOnlyDictionary<FaultKind, int> Applied, IReadOnlyList<string> Surprises, int Starts, TimeSpan Alone, TimeSpan AmongFaults,
    RunComparison Comparison, Leftovers Leftovers)
{
    /// <summary>How often hosts that had come back were taken in; null where there was only one.</summary>
    public int? HostsTakenInAgain { get; init; }

    /// <summary>The faults that happened.</summary>
    public int Faults => Applied.Values.Sum();

    /// <summary>Differences of any kind; 0 where the promise is kept.</summary>
    public long Differences =>
        Comparison.WeightBytesDiffering + Comparison.StateFilesDiffering + Comparison.LossesDiffering + Comparison.ScoreFilesDiffering
        + Comparison.LedgersDiffering + Leftovers.DamagedCheckpoints.Count + Surprises.Count + (FaultsAsked - Faults);

    /// <summary>Whether nothing differs, nothing is lost and nothing is left.</summary>
    public bool IsClean => Differences == 0 && Comparison.SamplesLost == 0 && Leftovers.Processes.Count == 0 && Leftovers.Files.Count == 0;

    /// <summary>The last line.</summary>
    public string Summary => string.Create(
        CultureInfo.InvariantCulture,
        $"{Faults} faults, {Differences} differences, {Comparison.SamplesLost} samples lost, {Leftovers.Processes.Count} processes and {Leftovers.Files.Count} files left");

    /// <summary>Writes the table.</summary>
    public void WriteTo(TextWriter output)
    {
        output.WriteLine();
        foreach ((string what, string amount, string found) in Rows())
            output.WriteLine($"{what,-34} {amount,22}   {found}");
        foreach (string detail in Surprises.Concat(Leftovers.Processes).Concat(Leftovers.Files).Concat(Leftovers.DamagedCheckpoints))
            output.WriteLine($"  {detail}");
        output.WriteLine();
        output.WriteLine(Summary);
    }

    private IEnumerable<(string What, string Amount, string Found)> Rows()
    {
        yield return ("compared, or counted", "how much", "differs, or is left");
        foreach ((FaultKind kind, int times) in Applied.OrderBy(fault => fault.Key))
            yield return ($"fault {kind}", Text($"{times} times"), "");
        yield return ("faults that never came", Text($"{FaultsAsked} asked for"), Text($"{FaultsAsked - Faults}"));
        yield return ("starts of the trainer", Text($"{Starts}"), "");
        if (HostsTakenInAgain is { } taken)
            yield return ("hosts taken in again", Text($"{taken} times"), "");
        yield return ("ends that no fault explains", "", Text($"{Surprises.Count}"));
        yield return ("duration, untouched and faulty", Text($"{Alone.TotalSeconds:F1} s, {AmongFaults.TotalSeconds:F1} s"), "");
        yield return ("weights, latest and best", Text($"{Comparison.WeightBytes} bytes"), Text($"{Comparison.WeightBytesDiffering}"));
        yield return ("files of those checkpoints", "", Text($"{Comparison.StateFilesDiffering}"));
        yield return ("losses", Text($"{Comparison.Losses} steps"), Text($"{Comparison.LossesDiffering}"));
        yield return ("scores", Text($"{Comparison.ScoreFiles} files"), Text($"{Comparison.ScoreFilesDiffering}"));
        yield return ("ledgers", Text($"{Comparison.Ledgers} epochs"), Text($"{Comparison.LedgersDiffering}"));
        yield return ("samples lost", Text($"{Comparison.SamplesDelivered} delivered"), Text($"{Comparison.SamplesLost}"));
        yield return ("damaged checkpoints", "", Text($"{Leftovers.DamagedCheckpoints.Count}"));
        yield return ("processes", "", Text($"{Leftovers.Processes.Count}"));
        yield return ("temporary files, shared memory", "", Text($"{Leftovers.Files.Count}"));
    }

    private static string Text(FormattableString text) => FormattableString.Invariant(text);
}
