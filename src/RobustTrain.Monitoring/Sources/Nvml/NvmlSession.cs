using System.Runtime.InteropServices;

namespace RobustTrain.Monitoring.Sources.Nvml;

/// <summary>NVML, initialised, with its devices. Used from one thread.</summary>
internal sealed unsafe class NvmlSession : IDisposable
{
    private const ulong XidCriticalError = 0x8;

    private readonly NvmlLibraryHandle _library;
    private NvmlDevice[] _devices = [];
    private nint _eventSet;
    private bool _initialised;

    private NvmlSession(NvmlLibraryHandle library)
    {
        _library = library;
        Entry = new NvmlEntryPoints(library);
    }

    public NvmlEntryPoints Entry { get; }

    public IReadOnlyList<NvmlDevice> Devices => _devices;

    public string? DriverVersion { get; private set; }

    public string? CudaVersion { get; private set; }

    /// <summary>Loads and initialises NVML and finds the devices.</summary>
    /// <exception cref="NvmlException">NVML is missing or does not work.</exception>
    public static NvmlSession Open(string computerName, string? libraryPath)
    {
        IReadOnlyList<string> candidates = libraryPath is null ? NvmlLibraryHandle.Candidates : [libraryPath];
        NvmlLibraryHandle library = NvmlLibraryHandle.TryLoad(candidates) ?? throw NvmlException.NotFound(candidates);
        var session = new NvmlSession(library);
        try
        {
            session.Initialise(computerName);
            return session;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>How many devices the driver has now.</summary>
    public int CountDevices()
    {
        uint count = 0;
        Check("nvmlDeviceGetCount", Entry.DeviceCount(&count));
        return (int)count;
    }

    /// <summary>Looks again for the devices that could not be reached before: one that was lost may have been reset.</summary>
    public void FindUnreachable(string computerName)
    {
        for (int index = 0; index < _devices.Length; index++)
        {
            if (_devices[index].Handle != 0)
                continue;
            _devices[index] = Find(computerName, index);
            RegisterXids(_devices[index]);
        }
    }

    /// <summary>Tells the devices of the XID errors that came since the last call.</summary>
    public void CollectXids(DateTimeOffset now)
    {
        if (_eventSet == 0)
            return;
        NvmlEventData data = default;
        while (Entry.EventSetWait(_eventSet, &data, 0) == NvmlReturn.Success)
        {
            if (data.EventType != XidCriticalError)
                continue;
            foreach (NvmlDevice device in _devices)
            {
                if (device.Handle == data.Device)
                    device.NoteXid((int)data.EventData, now);
            }
        }
    }

    public void Dispose()
    {
        if (_eventSet != 0 && Entry.EventSetFree is not null)
            Entry.EventSetFree(_eventSet);
        _eventSet = 0;
        if (_initialised)
            Entry.Shutdown();
        _initialised = false;
        _library.Dispose();
    }

    private void Initialise(string computerName)
    {
        if (!Entry.IsUsable)
            throw NvmlException.TooOld();
        Check("nvmlInit", Entry.Init());
        _initialised = true;
        DriverVersion = ReadText(Entry.DriverVersion, 80);
        int cuda = 0;
        if (Entry.CudaDriverVersion is not null && Entry.CudaDriverVersion(&cuda) == NvmlReturn.Success)
            CudaVersion = $"{cuda / 1000}.{cuda % 1000 / 10}";
        _devices = [.. Enumerable.Range(0, CountDevices()).Select(index => Find(computerName, index))];
        CreateEventSet();
        foreach (NvmlDevice device in _devices)
            RegisterXids(device);
    }

    // A device that this user may not see, or that has fallen off the bus, must not hide the others.
    private NvmlDevice Find(string computerName, int index)
    {
        nint handle = 0;
        NvmlReturn code = Entry.HandleByIndex((uint)index, &handle);
        return code == NvmlReturn.Success
            ? new NvmlDevice(this, computerName, index, handle)
            : new NvmlDevice(this, computerName, index, NvmlException.From("nvmlDeviceGetHandleByIndex", code, TextOf(code)).Message);
    }

    private void CreateEventSet()
    {
        if (Entry.EventSetCreate is null || Entry.RegisterEvents is null || Entry.EventSetWait is null)
            return;
        nint set = 0;
        if (Entry.EventSetCreate(&set) == NvmlReturn.Success)
            _eventSet = set;
    }

    private void RegisterXids(NvmlDevice device)
    {
        if (device.Handle != 0 && _eventSet != 0)
            device.TellsXids = Entry.RegisterEvents(device.Handle, XidCriticalError, _eventSet) == NvmlReturn.Success;
    }

    /// <summary>NVML's own text for a code.</summary>
    public string? TextOf(NvmlReturn code) => Entry.ErrorString is null ? null : Marshal.PtrToStringUTF8((nint)Entry.ErrorString(code));

    private void Check(string call, NvmlReturn code)
    {
        if (code != NvmlReturn.Success)
            throw NvmlException.From(call, code, TextOf(code));
    }

    private static string? ReadText(delegate* unmanaged<byte*, uint, NvmlReturn> function, int size)
    {
        byte* buffer = stackalloc byte[size];
        return function is not null && function(buffer, (uint)size) == NvmlReturn.Success ? Marshal.PtrToStringUTF8((nint)buffer) : null;
    }
}

/// <summary>The loaded NVML library.</summary>
internal sealed class NvmlLibraryHandle : SafeHandle
{
    private NvmlLibraryHandle(nint library)
        : base(0, ownsHandle: true) => SetHandle(library);

    public override bool IsInvalid => handle == 0;

    /// <summary>Where NVML lies on this system; <c>ROBUSTTRAIN_NVML</c> names another file.</summary>
    public static IReadOnlyList<string> Candidates => Environment.GetEnvironmentVariable("ROBUSTTRAIN_NVML") is { Length: > 0 } named
        ? [named]
        : OperatingSystem.IsWindows() ? [Path.Combine(Environment.SystemDirectory, "nvml.dll"), DriverFolders.Old("nvml.dll")] : ["libnvidia-ml.so.1", "/usr/lib/wsl/lib/libnvidia-ml.so.1"];

    /// <summary>Loads the library, or returns null where it is not there.</summary>
    public static NvmlLibraryHandle? TryLoad(IEnumerable<string> candidates)
    {
        foreach (string name in candidates)
        {
            if (NativeLibrary.TryLoad(name, out nint library))
                return new NvmlLibraryHandle(library);
        }

        return null;
    }

    /// <summary>The address of the first of the names that the library exports; 0 where it has none.</summary>
    public nint Export(params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            if (NativeLibrary.TryGetExport(handle, name, out nint address))
                return address;
        }

        return 0;
    }

    protected override bool ReleaseHandle()
    {
        NativeLibrary.Free(handle);
        return true;
    }
}
