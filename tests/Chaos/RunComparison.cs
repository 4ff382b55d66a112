using System.Text.Json;

namespace RobustTrain.Chaos;

/// <summary>What differs between a run and another that should have ended with the same bits.</summary>
/// <param name="WeightBytes">The bytes of weights that were compared.</param>
/// <param name="WeightBytesDiffering">Those of them that differ, in the latest checkpoint and in the best.</param>
/// <param name="StateFilesDiffering">Files of optimiser, average and state that differ.</param>
/// <param name="Losses">The losses that were compared.</param>
/// <param name="LossesDiffering">Those that differ.</param>
/// <param name="ScoreFiles">The files of scores that were compared, the test's included.</param>
/// <param name="ScoreFilesDiffering">Those that differ.</param>
/// <param name="Ledgers">The epochs whose ledgers were compared.</param>
/// <param name="LedgersDiffering">Those whose samples or whose order differ.</param>
/// <param name="SamplesDelivered">The samples that the untouched run was given.</param>
/// <param name="SamplesLost">Those of them that the other lacks.</param>
public sealed record RunComparison(
    long WeightBytes, long WeightBytesDiffering, int StateFilesDiffering, int Losses, int LossesDiffering, int ScoreFiles, int ScoreFilesDiffering,
    int Ledgers, int LedgersDiffering, long SamplesDelivered, long SamplesLost)
{
    private const string WeightsFile = "weights.safetensors";

    /// <summary>Compares two finished runs.</summary>
    public static RunComparison Of(string untouched, string faulty)
    {
        (CheckpointFiles Left, CheckpointFiles Right)[] checkpoints = [(Latest(untouched), Latest(faulty)), (Best(untouched), Best(faulty))];
        string[] losses = Files(untouched, "losses.csv");
        string[] scores = [.. Files(untouched, "scores.json"), "test.json"];
        string[] ledgers = Files(untouched, "ledger.json");
        (JsonElement? Left, JsonElement? Right)[] accounts = [.. ledgers.Select(file => (Json(untouched, file), Json(faulty, file)))];
        return new RunComparison(
            checkpoints.Sum(pair => new FileInfo(pair.Left.FileOf(WeightsFile)).Length),
            checkpoints.Sum(pair => BytesDiffering(pair.Left.FileOf(WeightsFile), pair.Right.FileOf(WeightsFile))),
            checkpoints.Sum(pair => pair.Left.Digests.Keys.Union(pair.Right.Digests.Keys).Count(name => BytesDiffering(pair.Left.FileOf(name), pair.Right.FileOf(name)) > 0)),
            losses.Sum(file => Lines(untouched, file).Length - 1),
            losses.Sum(file => LinesDiffering(Lines(untouched, file), Lines(faulty, file))),
            scores.Length,
            scores.Count(file => BytesDiffering(Path.Combine(untouched, file), Path.Combine(faulty, file)) > 0),
            ledgers.Length,
            accounts.Count(pair => AccountOf(pair.Left) != AccountOf(pair.Right)),
            accounts.Sum(pair => Delivered(pair.Left)),
            accounts.Sum(pair => Math.Max(0, Delivered(pair.Left) - Delivered(pair.Right))));
    }

    private static CheckpointFiles Latest(string run) => RunFiles.CheckpointsOf(run)[0];

    private static CheckpointFiles Best(string run) => RunFiles.CheckpointsOf(run).First(checkpoint => checkpoint.IsBest);

    private static string[] Files(string run, string name) =>
        [.. Directory.EnumerateFiles(Path.Combine(run, "epochs"), name, SearchOption.AllDirectories).Select(file => Path.GetRelativePath(run, file)).Order(StringComparer.Ordinal)];

    private static string[] Lines(string run, string file) => File.Exists(Path.Combine(run, file)) ? File.ReadAllLines(Path.Combine(run, file)) : [];

    private static int LinesDiffering(string[] left, string[] right) =>
        Math.Abs(left.Length - right.Length) + left.Zip(right).Count(pair => pair.First != pair.Second);

    private static long BytesDiffering(string left, string right)
    {
        byte[] first = File.Exists(left) ? File.ReadAllBytes(left) : [];
        byte[] second = File.Exists(right) ? File.ReadAllBytes(right) : [];
        return Math.Abs(first.LongLength - second.LongLength) + first.Zip(second).LongCount(pair => pair.First != pair.Second);
    }

    private static JsonElement? Json(string run, string file) =>
        File.Exists(Path.Combine(run, file)) ? JsonDocument.Parse(File.ReadAllBytes(Path.Combine(run, file))).RootElement : null;

    private static long Delivered(JsonElement? ledger) => ledger?.GetProperty("delivered").GetInt64() ?? 0;

    // Which worker delivered what differs from run to run; what was delivered, and in which order, must not.
    private static string AccountOf(JsonElement? ledger) =>
        ledger is { } account ? $"{account.GetProperty("digest")} {account.GetProperty("delivered")} {account.GetProperty("batches")} {account.GetProperty("skipped")}" : "";
}
