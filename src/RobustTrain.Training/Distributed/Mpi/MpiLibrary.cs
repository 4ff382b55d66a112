using System.Runtime.InteropServices;
using System.Text;
using RobustTrain.Platform;
using RobustTrain.Runs;

namespace RobustTrain.Training.Distributed.Mpi;

/// <summary>
/// The functions of MPI that joining ranks takes, in the binary interface that MPICH, Intel MPI, MVAPICH, Cray MPICH and Microsoft's MPI have in
/// common. Open MPI has another one.
/// </summary>
internal sealed unsafe class MpiLibrary
{
    /// <summary>The environment variable that names another library.</summary>
    public const string Variable = "ROBUSTTRAIN_MPI";

    /// <summary>All ranks (MPI_COMM_WORLD).</summary>
    public const int World = 0x44000000;

    /// <summary>Bytes (MPI_BYTE).</summary>
    public const int Bytes = 0x4c00010d;

    /// <summary>Has errors returned (MPI_ERRORS_RETURN).</summary>
    public const int ErrorsReturn = 0x54000001;

    /// <summary>Calls from any thread, one at a time (MPI_THREAD_SERIALIZED).</summary>
    public const int Serialized = 2;

    /// <summary>Nobody asks for the statuses (MPI_STATUSES_IGNORE).</summary>
    public const nint IgnoreStatuses = 1;

    private const int LongestText = 8192;

    private static readonly string[] s_names = OperatingSystem.IsWindows()
        ? ["msmpi.dll"]
        : ["libmpich.so.12", "libmpi.so.12", "libmpi_gnu.so.12", "libmpi_cray.so.12"];

    private static readonly string[] s_openMpi = ["libmpi.so.40", "libmpi.so.20", "libmpi.so"];

    /// <summary>Initialises MPI: arguments and their number (null), the asked and the given level of threads.</summary>
    public readonly delegate* unmanaged<nint, nint, int, int*, int> InitThread;

    /// <summary>Ends it.</summary>
    public readonly delegate* unmanaged<int> Finish;

    /// <summary>Ends all ranks of a communicator.</summary>
    public readonly delegate* unmanaged<int, int, int> Abort;

    /// <summary>The rank in a communicator.</summary>
    public readonly delegate* unmanaged<int, int*, int> Rank;

    /// <summary>The size of a communicator.</summary>
    public readonly delegate* unmanaged<int, int*, int> Size;

    /// <summary>What happens with errors.</summary>
    public readonly delegate* unmanaged<int, int, int> SetErrorHandler;

    /// <summary>Begins to send: buffer, count, type, rank, tag, communicator, request.</summary>
    public readonly delegate* unmanaged<nint, int, int, int, int, int, int*, int> Send;

    /// <summary>Begins to receive: as <see cref="Send"/>.</summary>
    public readonly delegate* unmanaged<nint, int, int, int, int, int, int*, int> Receive;

    /// <summary>Begins a broadcast: buffer, count, type, root, communicator, request.</summary>
    public readonly delegate* unmanaged<nint, int, int, int, int, int*, int> Broadcast;

    /// <summary>Begins a barrier: communicator, request.</summary>
    public readonly delegate* unmanaged<int, int*, int> Barrier;

    /// <summary>Whether requests are done, which also makes progress: count, requests, flag, statuses.</summary>
    public readonly delegate* unmanaged<int, int*, int*, nint, int> TestAll;

    private readonly delegate* unmanaged<int, byte*, int*, int> _errorText;
    private readonly delegate* unmanaged<byte*, int*, int> _version;

    private MpiLibrary(nint library, string path)
    {
        Path = path;
        nint Function(string name) => NativeLibrary.TryGetExport(library, name, out nint address)
            ? address
            : throw new RunException(ExitCode.Configuration, "MpiNotUsable", $"'{path}' is no MPI library that this program can use: it has no {name}.", path);
        _version = (delegate* unmanaged<byte*, int*, int>)Function("MPI_Get_library_version");
        Version = Text(_version);
        if (Version.StartsWith("Open MPI", StringComparison.Ordinal))
            throw OpenMpi(path);
        InitThread = (delegate* unmanaged<nint, nint, int, int*, int>)Function("MPI_Init_thread");
        Finish = (delegate* unmanaged<int>)Function("MPI_Finalize");
        Abort = (delegate* unmanaged<int, int, int>)Function("MPI_Abort");
        Rank = (delegate* unmanaged<int, int*, int>)Function("MPI_Comm_rank");
        Size = (delegate* unmanaged<int, int*, int>)Function("MPI_Comm_size");
        SetErrorHandler = (delegate* unmanaged<int, int, int>)Function("MPI_Comm_set_errhandler");
        Send = (delegate* unmanaged<nint, int, int, int, int, int, int*, int>)Function("MPI_Isend");
        Receive = (delegate* unmanaged<nint, int, int, int, int, int, int*, int>)Function("MPI_Irecv");
        Broadcast = (delegate* unmanaged<nint, int, int, int, int, int*, int>)Function("MPI_Ibcast");
        Barrier = (delegate* unmanaged<int, int*, int>)Function("MPI_Ibarrier");
        TestAll = (delegate* unmanaged<int, int*, int*, nint, int>)Function("MPI_Testall");
        _errorText = (delegate* unmanaged<int, byte*, int*, int>)Function("MPI_Error_string");
    }

    /// <summary>Where it lies.</summary>
    public string Path { get; }

    /// <summary>What it says of itself, its first line.</summary>
    public string Version { get; }

    /// <summary>Loads the library.</summary>
    /// <exception cref="RunException">There is none, or another kind of MPI.</exception>
    public static MpiLibrary Load() => Load(Environment.GetEnvironmentVariable(Variable), s_names, s_openMpi);

    /// <summary>Loads a library.</summary>
    /// <param name="asked">The one that the operator names; null or empty for the first of <paramref name="names"/> that is there.</param>
    /// <param name="names">Names of libraries that can be used.</param>
    /// <param name="unusable">Names of Open MPI's.</param>
    /// <exception cref="RunException">There is none, or another kind of MPI.</exception>
    internal static MpiLibrary Load(string? asked, IReadOnlyList<string> names, IReadOnlyList<string> unusable)
    {
        // UCX, below many MPI libraries, would take the signals from which .NET makes exceptions, and would hook the allocator.
        ThisProcess.SetNativeVariable("UCX_ERROR_SIGNALS", "");
        ThisProcess.SetNativeVariable("UCX_WARN_UNUSED_ENV_VARS", "n");
        if (!string.IsNullOrEmpty(asked))
        {
            return NativeLibrary.TryLoad(asked, out nint named)
                ? new MpiLibrary(named, asked)
                : throw new RunException(ExitCode.Configuration, "MpiNotFound", $"{Variable} is '{asked}', which is no library that can be loaded.", asked);
        }

        foreach (string name in names)
        {
            if (NativeLibrary.TryLoad(name, out nint library))
                return new MpiLibrary(library, name);
        }

        if (unusable.FirstOrDefault(name => NativeLibrary.TryLoad(name, out _)) is { } open)
            throw OpenMpi(open);
        throw new RunException(
            ExitCode.Configuration, "MpiNotFound",
            $"Several ranks need an MPI library, and there is none: {string.Join(" or ", names.Take(2))} was not found. Install it ({(OperatingSystem.IsWindows() ? "Microsoft MPI" : "Debian: apt-get install mpich")}) on each host, or name another one by {Variable}.");
    }

    /// <summary>What an error means.</summary>
    public string Describe(int error)
    {
        byte* text = stackalloc byte[LongestText];
        int length = 0;
        return _errorText(error, text, &length) == 0 ? FirstLine(text, length) : $"error {error}";
    }

    private static RunException OpenMpi(string path) => new(
        ExitCode.Configuration, "MpiNotUsable",
        $"'{path}' is Open MPI's library, whose binary interface is another one; this program needs MPICH's (MPICH, Intel MPI, MVAPICH, Cray MPICH): install it (Debian: apt-get install mpich), and start the ranks by its mpiexec.", path);

    private static string Text(delegate* unmanaged<byte*, int*, int> function)
    {
        byte* text = stackalloc byte[LongestText];
        int length = 0;
        return function(text, &length) == 0 ? FirstLine(text, length) : "";
    }

    private static string FirstLine(byte* text, int length) =>
        Encoding.UTF8.GetString(text, length).Split('\n', '\0')[0].Replace('\t', ' ').Trim();
}
