using System.Diagnostics;
using System.Text;
using RobustTrain.Runs;
using RobustTrain.Runs.Engines;
using RobustTrain.Training.Native;

namespace RobustTrain.Tests.Training;

/// <summary>What is said of a libtorch that is missing or does not fit, before torch is touched.</summary>
public sealed class LibTorchTests : IDisposable
{
    private static readonly EngineStore s_none = new("/nowhere");
    private static readonly string s_real = LibTorch.FindFolder(null, AppContext.BaseDirectory, s_none);
    private readonly string _folder = Directory.CreateTempSubdirectory("robusttrain-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [LinuxFact("Its libraries are those of Linux.")]
    public void It_is_the_version_that_TorchSharp_is_compiled_for() => Assert.StartsWith(LibTorch.Version, TorchSharp.torch.__version__, StringComparison.Ordinal);

    [LinuxFact("Its libraries are those of Linux.")]
    public void A_folder_without_it_is_named() =>
        Refused("LibTorchNotFound", $"ROBUSTTRAIN_LIBTORCH is '{_folder}', but there is no libtorch_cpu.so in that folder.", () => LibTorch.FindFolder(_folder, "/nowhere", s_none));

    [LinuxFact("Its libraries are those of Linux.")]
    public void A_program_without_it_says_where_it_was_looked_for()
    {
        File.WriteAllText(Path.Combine(_folder, "libtorch.path"), "/gone/native\n");
        Refused("LibTorchNotFound", "libtorch was not found: there is no libtorch_cpu.so in /gone/native;", () => LibTorch.FindFolder("", _folder, s_none));
    }

    [LinuxFact("Its libraries are those of Linux.")]
    public void The_folder_beside_the_program_goes_before_that_of_the_packages()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "libtorch"));
        File.WriteAllText(Path.Combine(_folder, "libtorch", "libtorch_cpu.so"), "");
        File.WriteAllText(Path.Combine(_folder, "libtorch.path"), s_real);
        Assert.Equal(Path.Combine(_folder, "libtorch"), LibTorch.FindFolder(null, _folder, s_none));
    }

    [LinuxFact("Its libraries are those of Linux.")]
    public void A_file_that_is_missing_is_named()
    {
        Link("libtorch_cpu.so", "libc10.so");
        Refused("LibTorchNotFound", $"libtorch is not complete: {_folder}/libtorch.so is missing.");
    }

    [LinuxFact("Its libraries are those of Linux.")]
    public void A_file_that_is_no_library_is_named()
    {
        Link("libc10.so");
        File.WriteAllText(Path.Combine(_folder, "libtorch_cpu.so"), "half a download");
        Refused("LibTorchNotUsable", $"{_folder}/libtorch_cpu.so can't be loaded: ");
    }

    [LinuxFact("Its libraries are those of Linux.")]
    public void A_file_that_was_cut_short_is_named()
    {
        Link("libc10.so");
        using (FileStream whole = File.OpenRead(Path.Combine(s_real, "libtorch_cpu.so")))
        using (FileStream cut = File.Create(Path.Combine(_folder, "libtorch_cpu.so")))
        {
            byte[] beginning = new byte[1 << 20];
            whole.ReadExactly(beginning);
            cut.Write(beginning);
        }

        Refused("LibTorchNotUsable", $"{_folder}/libtorch_cpu.so is not complete: it has 1048576 bytes and needs at least ");
    }

    [LinuxFact("Its libraries are those of Linux.")]
    public void A_library_that_it_needs_is_named_where_it_is_missing()
    {
        Link("libtorch_cpu.so", "libtorch.so");
        Refused("LibTorchNotFound", $"libtorch is not complete: {_folder}/libc10.so is missing.");
    }

    [LinuxFact("Its libraries are those of Linux.")]
    public void Another_version_is_named()
    {
        Compile("unsigned long aoti_torch_abi_version(void) { return (2UL << 56) | (9UL << 48) | (1UL << 40); }");
        Refused("LibTorchNotUsable", $"libtorch in {_folder} is version 2.9.1, but this program needs 2.10.");
    }

    [LinuxFact("Its libraries are those of Linux.")]
    public void A_version_that_does_not_know_its_number_is_older()
    {
        Compile("int nothing;");
        Refused("LibTorchNotUsable", $"libtorch in {_folder} is older than 2.10, which this program needs.");
    }

    [LinuxFact("Its libraries are those of Linux.")]
    public void Another_processor_is_named()
    {
        Link("libc10.so");
        byte[] header = new byte[64];
        "\u007fELF\u0002\u0001\u0001"u8.CopyTo(header);
        header[18] = 183;
        File.WriteAllBytes(Path.Combine(_folder, "libtorch_cpu.so"), header);
        Refused("LibTorchNotUsable", $"{_folder}/libtorch_cpu.so is made for arm64 processors, but this process runs on x64.");
    }

    [LinuxFact("Its libraries are those of Linux.")]
    public void A_libstdcxx_that_is_too_old_is_named_with_the_systems_that_are_new_enough()
    {
        foreach (string file in Directory.EnumerateFiles(s_real))
            Link(Path.GetFileName(file));
        byte[] library = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "libLibTorchSharp.so"));
        int at = library.AsSpan().IndexOf("GLIBCXX_3.4.30\0"u8);
        "GLIBCXX_3.4.99"u8.CopyTo(library.AsSpan(at));
        File.WriteAllBytes(Path.Combine(_folder, "libLibTorchSharp.so"), library);

        RunException error = Refused("LibTorchNotUsable", "`GLIBCXX_3.4.99' not found");
        Assert.EndsWith("This system's C or C++ library is too old: Debian 12, Ubuntu 22.04 or newer is needed.", error.Message);
    }

    [LinuxFact("Its libraries are those of Linux.")]
    public void TorchSharps_library_asks_for_nothing_that_the_oldest_supported_system_lacks()
    {
        // Every reference is looked up when the library is loaded, not at the first call as usual; --device cuda:0 is refused after that.
        ProcessStartInfo start = new(Path.Combine(AppContext.BaseDirectory, "robusttrain"), ["config", "check", "--set", "data.path=/nowhere", "--set", "device=cuda:0"]) { RedirectStandardError = true };
        start.Environment["LD_BIND_NOW"] = "1";
        using Process process = Process.Start(start)!;
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.Contains("computes on the CPU only", errors);
    }

    private RunException Refused(string id, string expected, Action? action = null)
    {
        RunException error = Assert.Throws<RunException>(action ?? (() => LibTorch.Load(_folder)));
        Assert.Equal(ExitCode.Configuration, error.ExitCode);
        Assert.Equal(id, error.ErrorId);
        Assert.StartsWith(expected, expected.StartsWith('`') ? error.Message[error.Message.IndexOf('`')..] : error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
        return error;
    }

    private void Link(params string[] names)
    {
        foreach (string name in names)
            File.CreateSymbolicLink(Path.Combine(_folder, name), Path.Combine(s_real, name));
    }

    private void Compile(string source)
    {
        Link("libc10.so");
        string file = Path.Combine(_folder, "stub.c");
        File.WriteAllText(file, source, Encoding.ASCII);
        using Process compiler = Process.Start("cc", ["-shared", "-fPIC", "-o", Path.Combine(_folder, "libtorch_cpu.so"), file]);
        compiler.WaitForExit();
        Assert.Equal(0, compiler.ExitCode);
    }
}
