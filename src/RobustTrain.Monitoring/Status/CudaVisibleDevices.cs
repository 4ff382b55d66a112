using System.Globalization;

namespace RobustTrain.Monitoring.Status;

/// <summary>
/// Which GPU a program means by <c>cuda:N</c>, as the variable <c>CUDA_VISIBLE_DEVICES</c> says it (CUDA C++ Programming Guide, "CUDA Environment
/// Variables"): the N-th entry of the list, or the GPU of the index N where there is no list. Entries are indices, or UUIDs and beginnings of them
/// (<c>GPU-…</c>, <c>MIG-…</c>). The first entry that names none ends the list, and one that stands twice empties it.
/// </summary>
public sealed class CudaVisibleDevices
{
    private const string GpuPrefix = "GPU-";
    private const string MigPrefix = "MIG-";

    private readonly string[]? _entries;
    private readonly bool _isOrderKnown;

    /// <summary>Reads the variables.</summary>
    /// <param name="visible">CUDA_VISIBLE_DEVICES; null where it is not set.</param>
    /// <param name="order">CUDA_DEVICE_ORDER; null where it is not set, since training programs are then started with PCI_BUS_ID.</param>
    public CudaVisibleDevices(string? visible, string? order)
    {
        _entries = visible?.Split(',', StringSplitOptions.TrimEntries);
        _isOrderKnown = order is null or "PCI_BUS_ID";
    }

    /// <summary>The variables of this process, which the programs that it starts inherit.</summary>
    public static CudaVisibleDevices OfThisProcess() =>
        new(Environment.GetEnvironmentVariable("CUDA_VISIBLE_DEVICES"), Environment.GetEnvironmentVariable("CUDA_DEVICE_ORDER"));

    /// <summary>How many devices a program sees on a host with so many GPUs; an entry that is a UUID counts as one.</summary>
    public int Count(int gpus) => _entries is null ? gpus : Indices(gpus)?.Count ?? _entries.TakeWhile(IsUuid).Count();

    /// <summary>The GPUs of this host, and their MIG instances, with the devices as which a program sees them; null for those that it does not see.</summary>
    /// <param name="gpus">All GPUs of this host, those that are lost too.</param>
    public GpuStatus[] Name(IReadOnlyList<GpuStatus> gpus)
    {
        List<string>? visible = Visible(gpus);
        int total = gpus.Max(gpu => gpu.Index) + 1 ?? 0;
        return [.. gpus.Select(gpu => gpu with
        {
            Device = gpu.IsConnected ? DeviceOf(gpu, visible, total) : null,
            MigDevices = gpu.MigDevices is null ? null : [.. gpu.MigDevices.Select(mig => mig with { Device = gpu.IsConnected ? Device(visible, mig.Uuid) : null })],
        })];
    }

    private string? DeviceOf(GpuStatus gpu, List<string>? visible, int total)
    {
        if (visible is not null)
            return Device(visible, gpu.Uuid);
        // By its own order CUDA puts the fastest first; which of several that is, it does not tell.
        if (gpu.Index is not { } index || (!_isOrderKnown && total > 1))
            return null;
        int place = _entries is null ? index : Indices(total)!.IndexOf(index);
        return place < 0 ? null : Device(place);
    }

    private static string? Device(List<string>? visible, string? uuid) =>
        uuid is not null && visible?.IndexOf(uuid) is >= 0 and { } place ? Device(place) : null;

    private static string Device(int place) => string.Create(CultureInfo.InvariantCulture, $"cuda:{place}");

    /// <summary>The UUIDs that are visible, in their order; null where the list holds no UUIDs.</summary>
    private List<string>? Visible(IReadOnlyList<GpuStatus> gpus)
    {
        if (_entries is null || !IsUuid(_entries[0]))
            return null;
        bool areMig = _entries[0].StartsWith(MigPrefix, StringComparison.OrdinalIgnoreCase);
        string[] known = [.. (areMig ? gpus.SelectMany(gpu => gpu.MigDevices ?? []).Select(mig => mig.Uuid) : gpus.Select(gpu => gpu.Uuid)).OfType<string>()];
        var visible = new List<string>();
        foreach (string entry in _entries)
        {
            // The beginning of a UUID will do where it is the beginning of one only.
            string[] named = IsUuid(entry) ? [.. known.Where(uuid => uuid.StartsWith(entry, StringComparison.OrdinalIgnoreCase))] : [];
            if (named.Length != 1)
                break;
            if (visible.Contains(named[0]))
                return [];
            visible.Add(named[0]);

            // A program can use one MIG instance only (NVIDIA Multi-Instance GPU User Guide, "CUDA Device Enumeration").
            if (areMig)
                break;
        }

        return visible;
    }

    /// <summary>The indices that are visible, in their order; null where the list is one of UUIDs.</summary>
    private List<int>? Indices(int gpus)
    {
        if (IsUuid(_entries![0]))
            return null;
        var indices = new List<int>();
        foreach (string entry in _entries)
        {
            if (!int.TryParse(entry, NumberStyles.None, CultureInfo.InvariantCulture, out int index) || index >= gpus)
                break;
            if (indices.Contains(index))
                return [];
            indices.Add(index);
        }

        return indices;
    }

    private static bool IsUuid(string entry) =>
        entry.StartsWith(GpuPrefix, StringComparison.OrdinalIgnoreCase) || entry.StartsWith(MigPrefix, StringComparison.OrdinalIgnoreCase);
}
