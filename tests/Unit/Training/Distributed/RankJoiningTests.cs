using RobustTrain.Runs;
using RobustTrain.Training.Distributed.Joining;
using RobustTrain.Training.Distributed.Mpi;
using RobustTrain.Training.Native;
using TorchSharp;

namespace RobustTrain.Tests.Training.Distributed;

/// <summary>What a process finds out about its ranks, and what is refused before the first step.</summary>
public sealed class RankJoiningTests
{
    private static readonly RunVersions s_versions = new("1.0", "2.10.0", "10.0.1", "Linux");
    private static readonly RankCheck s_good = new()
    {
        Versions = s_versions,
        Configuration = new Dictionary<string, string> { ["seed"] = "1", ["trainer.shards"] = "4" },
        Data = [new SplitRecord("training", 10, 1000, "aa"), new SplitRecord("test", 2, 200, "bb")],
    };

    [Fact]
    public void A_process_without_a_launcher_is_no_rank() => Assert.Null(RankEnvironment.Find(new Dictionary<string, string> { ["SLURM_NTASKS"] = "4" }));

    [Fact]
    public void A_single_rank_needs_no_mpi() => Assert.Null(RankEnvironment.Find(new Dictionary<string, string> { ["PMI_RANK"] = "0", ["PMI_SIZE"] = "1" }));

    [Fact]
    public void The_variables_of_mpiexec_and_of_srun_name_rank_and_device()
    {
        RankEnvironment mpiexec = RankEnvironment.Find(new Dictionary<string, string> { ["PMI_RANK"] = "3", ["PMI_SIZE"] = "4", ["MPI_LOCALRANKID"] = "1", ["MPI_LOCALNRANKS"] = "2" })!;
        RankEnvironment srun = RankEnvironment.Find(new Dictionary<string, string> { ["PMI_RANK"] = "2", ["PMI_SIZE"] = "4", ["SLURM_LOCALID"] = "0", ["SLURMD_NODENAME"] = "node7" })!;

        Assert.Equal((3, 4, 1, 2), (mpiexec.Rank, mpiexec.Size, mpiexec.LocalRank, mpiexec.LocalSize));
        Assert.Equal((2, 4, 0, "node7"), (srun.Rank, srun.Size, srun.LocalRank, srun.Host));
        Assert.Null(mpiexec.Launcher);
    }

    [Fact]
    public void Our_own_launcher_names_the_hosts_and_where_it_listens()
    {
        RankEnvironment found = RankEnvironment.Find(new Dictionary<string, string>
        {
            ["PMI_RANK"] = "1",
            ["PMI_SIZE"] = "2",
            [RankEnvironment.HubVariable] = "10.0.0.1:99,[fe::1]:99",
            [RankEnvironment.TokenVariable] = "secret",
            [RankEnvironment.HostsVariable] = "desk,gpu01,gpu02",
        })!;

        Assert.Equal(("gpu02", "desk", "secret"), (found.Host, found.Launcher!.Host, found.Launcher.Token));
        Assert.Equal(["10.0.0.1:99", "[fe::1]:99"], found.Launcher.Addresses);
    }

    [Theory]
    [InlineData("OMPI_COMM_WORLD_SIZE", "Open MPI's mpiexec has started 4 ranks (OMPI_COMM_WORLD_SIZE), but this program joins them by MPICH's kind of MPI: start them by MPICH's mpiexec (Debian: mpiexec.mpich), or by --ranks 4.")]
    [InlineData("SLURM_STEP_NUM_TASKS", "srun has started 4 tasks that can't find each other (SLURM_STEP_NUM_TASKS without PMI_SIZE): start them by srun --mpi=pmi2.")]
    public void A_launcher_whose_ranks_cannot_be_joined_is_named(string variable, string sentence)
    {
        RunException refused = Assert.Throws<RunException>(() => RankEnvironment.Find(new Dictionary<string, string> { [variable] = "4" }));

        Assert.Equal((ExitCode.Configuration, sentence), (refused.ExitCode, refused.Message));
    }

    public static TheoryData<string, RankCheck> Differences => new()
    {
        { "it has robusttrain 1.1 in place of 1.0", s_good with { Versions = s_versions with { RobustTrain = "1.1" } } },
        { "it has libtorch 2.9.0 in place of 2.10.0", s_good with { Versions = s_versions with { LibTorch = "2.9.0" } } },
        { "it has .NET 10.0.2 in place of 10.0.1", s_good with { Versions = s_versions with { DotNet = "10.0.2" } } },
        { "its trainer.shards is 8 in place of 4", s_good with { Configuration = new Dictionary<string, string> { ["seed"] = "1", ["trainer.shards"] = "8" } } },
        { "its training data are 9 samples in place of 10", s_good with { Data = [new SplitRecord("training", 9, 1000, "aa"), new SplitRecord("test", 2, 200, "bb")] } },
        { "its test data are 201 bytes in place of 200", s_good with { Data = [new SplitRecord("training", 10, 1000, "aa"), new SplitRecord("test", 2, 201, "bb")] } },
        { "its test data have other names or sizes of files", s_good with { Data = [new SplitRecord("training", 10, 1000, "aa"), new SplitRecord("test", 2, 200, "cc")] } },
    };

    [Theory]
    [MemberData(nameof(Differences))]
    public void Ranks_that_differ_are_refused_with_the_first_difference(string difference, RankCheck other)
    {
        RunException refused = RankCheck.Verdict([s_good, s_good, other], ["a", "a", "b"])!;

        Assert.Equal((ExitCode.Configuration, $"rank 2 on b differs from rank 0 on a: {difference}; all ranks need the same."), (refused.ExitCode, refused.Message));
    }

    [Fact]
    public void Other_kernels_are_no_difference() => Assert.Null(RankCheck.Verdict([s_good, s_good with { Versions = s_versions with { Os = "Linux 7" } }], ["a", "b"]));

    [Fact]
    public void The_error_of_one_rank_names_it_and_that_of_all_none()
    {
        RankCheck failed = new() { Error = "There is no GPU.", ErrorId = "DeviceNotFound", ExitCode = 2 };

        Assert.Equal("rank 1 on b: There is no GPU.", RankCheck.Verdict([s_good, failed], ["a", "b"])!.Message);
        Assert.Equal("There is no GPU.", RankCheck.Verdict([failed, failed], ["a", "b"])!.Message);
    }

    [Fact]
    public void Each_rank_of_a_host_has_the_next_gpu()
    {
        Assert.Equal(1, DeviceSelection.FindOwn("cuda", new RankPlace(1, 2), count: 2).index);
        Assert.Equal(3, DeviceSelection.FindOwn("auto", new RankPlace(3, 4), count: 8).index);
        Assert.Equal(DeviceType.CPU, DeviceSelection.FindOwn("auto", new RankPlace(1, 2), count: 0).type);
    }

    [Theory]
    [InlineData("cuda", "This host has 4 ranks, but torch sees only 2 CUDA devices: start at most 2 ranks on it (--ranks-per-host), or use device cpu.")]
    [InlineData("cuda:1", "device is 'cuda:1', but this host has 4 ranks, each of which needs a GPU of its own: device cuda gives each the next one.")]
    public void More_ranks_than_gpus_are_refused(string device, string sentence) =>
        Assert.Equal(sentence, Assert.Throws<RunException>(() => DeviceSelection.FindOwn(device, new RankPlace(0, 4), count: 2)).Message);

    [Fact]
    public void Without_mpi_it_is_said_what_to_install() =>
        Assert.StartsWith("Several ranks need an MPI library, and there is none: libnone.so.1 was not found. Install it", Assert.Throws<RunException>(() => MpiLibrary.Load(null, ["libnone.so.1"], [])).Message, StringComparison.Ordinal);

    [LinuxFact("It compiles a library.")]
    public void Another_kind_of_mpi_is_refused_by_what_it_says_of_itself()
    {
        using TemporaryFolder folder = new();
        string open = Compile(folder, "open", "int MPI_Get_library_version(char *t, int *n) { const char *s = \"Open MPI v4.1.4, package: Debian\"; int i = 0; for (; s[i]; i++) t[i] = s[i]; t[i] = 0; *n = i; return 0; }");
        string none = Compile(folder, "none", "int other(void) { return 0; }");

        Assert.Contains("is Open MPI's library, whose binary interface is another one", Assert.Throws<RunException>(() => MpiLibrary.Load(open, [], [])).Message, StringComparison.Ordinal);
        Assert.Contains("is Open MPI's library", Assert.Throws<RunException>(() => MpiLibrary.Load(null, [], [open])).Message, StringComparison.Ordinal);
        Assert.Equal($"'{none}' is no MPI library that this program can use: it has no MPI_Get_library_version.", Assert.Throws<RunException>(() => MpiLibrary.Load(none, [], [])).Message);
        Assert.Equal("ROBUSTTRAIN_MPI is '/none/lib.so', which is no library that can be loaded.", Assert.Throws<RunException>(() => MpiLibrary.Load("/none/lib.so", [], [])).Message);
    }

    private static string Compile(TemporaryFolder folder, string name, string source)
    {
        string file = Path.Combine(folder.Path, $"{name}.c"), library = Path.Combine(folder.Path, $"lib{name}.so");
        File.WriteAllText(file, source);
        using System.Diagnostics.Process compiler = System.Diagnostics.Process.Start("cc", ["-shared", "-fPIC", "-o", library, file]);
        compiler.WaitForExit();
        Assert.Equal(0, compiler.ExitCode);
        return library;
    }
}
