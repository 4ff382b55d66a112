namespace RobustTrain.Tests.Host;

/// <summary>A disk that refuses a process's writing from a chosen file operation of an epoch's checkpoint on (tests/disk-stub).</summary>
public sealed class RefusingDisk : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    /// <summary>The environment of the process.</summary>
    public IReadOnlyDictionary<string, string?> Variables => new Dictionary<string, string?>
    {
        ["LD_PRELOAD"] = PreloadedStub.Disk,
        ["DISK_STUB_ORDER"] = OrderPath,
        ["DISK_STUB_LOG"] = LogPath,
        ["DISK_STUB_PLACE"] = "/run/checkpoints",
        ["DISK_STUB_BEGIN"] = "/run/epochs/",
    };

    /// <summary>The operations since the disk was watched for the first time: their numbers within an epoch, names and paths.</summary>
    public IReadOnlyList<(int Number, string Name, string Path)> Operations =>
        [.. (File.Exists(LogPath) ? File.ReadLines(LogPath) : []).Select(line => line.Split(' ', 3)).Select(parts => (int.Parse(parts[0], null), parts[1], parts[2]))];

    private string OrderPath => _folder.At("order");

    private string LogPath => _folder.At("log");

    /// <summary>Refuses from an operation of the next epoch on.</summary>
    /// <param name="how">full, where deleting goes on, or read-only.</param>
    /// <param name="operation">The operation, from 1.</param>
    public void Refuse(string how, int operation)
    {
        File.WriteAllText(_folder.At("next"), $"{how} {operation}");
        File.Move(_folder.At("next"), OrderPath, overwrite: true);
    }

    /// <summary>Refuses nothing from now on.</summary>
    public void Allow() => File.Delete(OrderPath);

    /// <summary>Refuses nothing, and notes each operation.</summary>
    /// <param name="how">Which operations count, those of a full or of a read-only disk.</param>
    public void Watch(string how) => Refuse(how, int.MaxValue);

    public void Dispose() => _folder.Dispose();
}
