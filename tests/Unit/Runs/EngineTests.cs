using System.Collections.Concurrent;
using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using RobustTrain.Runs;
using RobustTrain.Runs.Engines;
using RobustTrain.Tests.Monitoring;

namespace RobustTrain.Tests.Runs;

/// <summary>Installing libtorch: from a folder and from a registry, with everything that can go wrong on the way.</summary>
public sealed class EngineTests : IDisposable
{
    private const string Version = "2.10.0";
    private static readonly byte[] s_library = RandomNumberGenerator.GetBytes(3_000_000);
    private readonly TemporaryFolder _folder = new();
    private readonly EngineStore _store;

    public EngineTests() => _store = new EngineStore(_folder.At("data", "RobustTrain"));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_releases_are_what_the_build_takes_from_NuGet()
    {
        string root = TestFiles.Root;
        string built = XDocument.Load(Path.Combine(root, "Directory.Packages.props")).Descendants("LibTorchVersion").Single().Value;
        Assert.Equal(EngineRelease.LibTorchVersion, built);
        string packages = Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        EngineRelease release = EngineRelease.Of(EngineDevice.Cpu, EngineRelease.ThisRuntime);
        EnginePackage package = Assert.Single(release.Packages);
        string file = Path.Combine(packages, package.Id, package.Version, package.FileName);
        Assert.Equal(File.ReadAllText(file + ".sha512"), package.Sha512);
        Assert.Equal(new FileInfo(file).Length, package.Bytes);
        using ZipArchive archive = ZipFile.OpenRead(file);
        ZipArchiveEntry[] needed = [.. archive.Entries.Where(entry => entry.FullName.StartsWith($"runtimes/{release.Runtime}/native/", StringComparison.Ordinal) && EngineRelease.IsNeeded(entry.Name))];
        Assert.Equal(release.UnpackedBytes, needed.Sum(entry => entry.Length));
        if (OperatingSystem.IsLinux())
            Assert.Equal(["libc10.so", "libgomp-98b21ff3.so.1", "libtorch.so", "libtorch_cpu.so"], needed.Select(entry => entry.Name).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("linux-x64", 24, "part3-fragment6")]
    [InlineData("win-x64", 16, "part10")]
    public void Those_with_CUDA_come_in_parts_whose_beginnings_stand_before_their_fragments(string runtime, int count, string one)
    {
        IReadOnlyList<EnginePackage> packages = EngineRelease.Of(EngineDevice.Cuda, runtime).Packages;
        Assert.Equal(count, packages.Count);
        Assert.Contains(packages, package => package.Id == $"libtorch-cuda-12.8-{runtime}-{one}");
        string[] parts = [.. packages.Select(package => package.Id.Split("x64-")[1])];
        Assert.All(parts.Where(part => part.Contains("-fragment", StringComparison.Ordinal)), part =>
            Assert.InRange(Array.IndexOf(parts, part[..part.IndexOf('-')] + "-primary"), 0, Array.IndexOf(parts, part) - 1));
    }

    [Fact]
    public void Other_systems_are_named()
    {
        RunException refused = Assert.Throws<RunException>(() => EngineRelease.Of(EngineDevice.Cpu, "osx-arm64"));
        Assert.Equal(("EngineNotFound", "There is no training engine for osx-arm64, only for linux-x64 and win-x64."), (refused.ErrorId, refused.Message));
    }

    [Fact]
    public async Task From_a_folder_only_what_is_needed_is_unpacked_and_removal_leaves_nothing()
    {
        EngineRelease release = Release(Package("one"));
        InstalledEngine engine = await InstallAsync(release, new FolderSource(_folder.At("source")));

        Assert.Equal(_store.FolderOf(Version, EngineDevice.Cpu), engine.Path);
        Assert.Equal(["LICENSE-LIBTORCH.txt", "engine.json", "libc10.so", "libtorch.so", "libtorch_cpu.so"], Names(engine.Path));
        Assert.Equal(s_library, File.ReadAllBytes(Path.Combine(engine.Path, "libtorch_cpu.so")));
        Assert.Empty(_store.Find(Version)!.Problems(digests: true, default));
        Assert.Equal(["lock", "libtorch"], Names(_store.Root).OrderDescending(StringComparer.Ordinal));

        _store.Remove(_store.Find(Version)!);
        Assert.False(Directory.Exists(_store.Root));
    }

    [Fact]
    public async Task Two_versions_stand_side_by_side_and_each_goes_alone()
    {
        await InstallAsync(Release(Package("one")), new FolderSource(_folder.At("source")));
        await InstallAsync(Release(Package("two", "2.11.0")) with { Version = "2.11.0" }, new FolderSource(_folder.At("source")));
        Assert.Equal(["2.10.0", "2.11.0"], _store.Installed().Select(engine => engine.Version));

        _store.Remove(_store.Find("2.10.0")!);
        Assert.Equal(["2.11.0"], _store.Installed().Select(engine => engine.Version));
    }

    [Fact]
    public async Task The_one_for_CUDA_goes_first()
    {
        await InstallAsync(Release(Package("one")), new FolderSource(_folder.At("source")));
        await InstallAsync(Release(Package("two")) with { Device = EngineDevice.Cuda }, new FolderSource(_folder.At("source")));
        Assert.Equal(EngineDevice.Cuda, _store.Find(Version)!.Device);
    }

    [LinuxFact("Its libraries are those of Linux.")]
    public async Task A_program_takes_its_own_libtorch_before_the_installed_one()
    {
        InstalledEngine engine = await InstallAsync(Release(Package("one")), new FolderSource(_folder.At("source")));
        string program = Directory.CreateDirectory(_folder.At("program")).FullName;
        Assert.Equal(engine.Path, LibTorchLocation.Find(program, _store));
        string own = Path.GetDirectoryName(_folder.Write("program/libtorch/libtorch_cpu.so", []))!;
        Assert.Equal(own, LibTorchLocation.Find(program, _store));
    }

    [Fact]
    public async Task Damage_is_told_by_length_and_by_digest()
    {
        InstalledEngine engine = await InstallAsync(Release(Package("one")), new FolderSource(_folder.At("source")));
        File.Delete(Path.Combine(engine.Path, "libc10.so"));
        File.WriteAllText(Path.Combine(engine.Path, "libtorch.so"), "shorter");
        byte[] changed = [.. s_library];
        changed[^1] ^= 1;
        File.WriteAllBytes(Path.Combine(engine.Path, "libtorch_cpu.so"), changed);

        Assert.Equal(2, engine.Problems(digests: false, default).Count);
        IReadOnlyList<string> problems = engine.Problems(digests: true, default);
        Assert.Contains(problems, problem => problem.EndsWith("libc10.so' is missing.", StringComparison.Ordinal));
        Assert.Contains(problems, problem => problem.EndsWith("libtorch.so' has 7 bytes instead of 6.", StringComparison.Ordinal));
        Assert.Contains(problems, problem => problem.EndsWith("libtorch_cpu.so' is damaged: its SHA-256 is not the one that was unpacked.", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Files_in_fragments_are_put_together_and_checked()
    {
        byte[][] pieces = [s_library[..1000], s_library[1000..2000], s_library[2000..]];
        string digest = Convert.ToHexStringLower(SHA256.HashData(s_library));
        EnginePackage first = Package("part1-primary", entries: new() { ["libtorch_cpu.so"] = pieces[0], ["libtorch_cpu.so.sha"] = Encoding.ASCII.GetBytes(digest), ["libtorch.so"] = [1], ["libc10.so"] = [2] });
        EnginePackage[] rest = [.. new[] { 1, 2 }.Select(number => Package($"part1-fragment{number}", entries: new() { [$"libtorch_cpu.so.fragment{number}"] = pieces[number] }, place: "fragments"))];
        FolderSource source = new(_folder.At("source"));

        InstalledEngine engine = await InstallAsync(Release([first, .. rest]), source);
        Assert.Equal(s_library, File.ReadAllBytes(Path.Combine(engine.Path, "libtorch_cpu.so")));
        Assert.DoesNotContain(Names(engine.Path), name => name.Contains(".sha", StringComparison.Ordinal) || name.Contains(".fragment", StringComparison.Ordinal));

        RunException refused = await RefusedAsync(Release([first, rest[1]]), source);
        Assert.Equal("PackageDamaged", refused.ErrorId);
        Assert.StartsWith("libtorch_cpu.so is not whole: put together from its fragments it has the SHA-256 ", refused.Message, StringComparison.Ordinal);
        Assert.Equal(s_library, File.ReadAllBytes(Path.Combine(engine.Path, "libtorch_cpu.so")));
    }

    [Fact]
    public async Task Another_version_in_the_folder_is_named()
    {
        Package("one", "2.9.0");
        RunException refused = await RefusedAsync(Release(new EnginePackage { Id = "one", Version = Version, Sha512 = "x" }), new FolderSource(_folder.At("source")));
        Assert.Equal(("PackageNotFound", $"one 2.10.0 could not be fetched: '{_folder.At("source")}' has no one.2.10.0.nupkg, only one.2.9.0.nupkg."), (refused.ErrorId, refused.Message));
    }

    [Fact]
    public async Task A_folder_that_is_not_there_is_named()
    {
        RunException refused = await RefusedAsync(Release(Package("one")), new FolderSource(_folder.At("nowhere")));
        Assert.Equal("PackageSourceNotFound", refused.ErrorId);
        Assert.StartsWith($"There is no folder '{_folder.At("nowhere")}'; expected one with one.2.10.0.nupkg", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_damaged_package_in_a_folder_is_refused_and_left_as_it_is()
    {
        EnginePackage package = Package("one");
        string file = _folder.At("source", package.FileName);
        byte[] half = File.ReadAllBytes(file)[..1000];
        File.WriteAllBytes(file, half);
        RunException refused = await RefusedAsync(Release(package), new FolderSource(_folder.At("source")));
        Assert.Equal("PackageDamaged", refused.ErrorId);
        Assert.StartsWith($"'{file}' is damaged or not one 2.10.0: its SHA-512 is ", refused.Message, StringComparison.Ordinal);
        Assert.Equal(half, File.ReadAllBytes(file));
        Assert.Null(_store.Find(Version));
    }

    [Fact]
    public async Task Without_a_digest_in_the_module_one_beside_the_package_is_needed()
    {
        EnginePackage package = Package("one");
        string digest = package.Sha512!;
        EngineRelease release = Release(package with { Sha512 = null });
        RunException refused = await RefusedAsync(release, new FolderSource(_folder.At("source")));
        Assert.Equal("PackageDigestNotFound", refused.ErrorId);
        _folder.Write($"source/{package.FileName}.sha512", Encoding.ASCII.GetBytes(digest));
        await InstallAsync(release, new FolderSource(_folder.At("source")));
    }

    [Fact]
    public async Task A_package_in_the_layout_of_NuGets_cache_is_found()
    {
        EnginePackage package = Package("one");
        Directory.CreateDirectory(_folder.At("source", "one", Version));
        File.Move(_folder.At("source", package.FileName), _folder.At("source", "one", Version, package.FileName));
        await InstallAsync(Release(package), new FolderSource(_folder.At("source")));
    }

    [Fact]
    public async Task A_package_without_libtorch_is_refused()
    {
        RunException refused = await RefusedAsync(Release(Package("one", entries: new() { ["libtorch.so"] = [1] })), new FolderSource(_folder.At("source")));
        Assert.Equal(("PackageDamaged", "The packages of libtorch 2.10.0 have no libtorch_cpu.so, no libc10.so for linux-x64."), (refused.ErrorId, refused.Message));
        Assert.Empty(_store.Installed());
    }

    [Fact]
    public async Task A_disk_without_room_is_told_before_anything_is_fetched()
    {
        RunException refused = await RefusedAsync(Release(Package("one")) with { UnpackedBytes = long.MaxValue / 2 }, new FolderSource(_folder.At("nowhere")));
        Assert.Equal("NoSpaceLeft", refused.ErrorId);
        Assert.Matches($@"^The disk of '{Regex.Escape(_store.Root)}' has \d+ MiB free, but libtorch 2\.10\.0 needs \d+ MiB more\.$", refused.Message);
    }

    [Fact]
    public async Task A_folder_that_may_not_be_written_is_told()
    {
        File.WriteAllText(_folder.At("data"), "a file in the place of the folder");
        RunException refused = await RefusedAsync(Release(Package("one")), new FolderSource(_folder.At("source")));
        Assert.Equal("EngineNotWritten", refused.ErrorId);
        Assert.StartsWith($"'{_store.Root}' could not be written: ", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_installation_goes_at_a_time()
    {
        EngineRelease release = Release(Package("one"));
        using (_store.Lock())
        {
            RunException refused = await RefusedAsync(release, new FolderSource(_folder.At("source")));
            Assert.Equal("EngineBusy", refused.ErrorId);
        }

        await InstallAsync(release, new FolderSource(_folder.At("source")));
    }

    [Fact]
    public async Task A_new_installation_takes_the_place_of_a_damaged_one_and_of_what_a_killed_one_left()
    {
        EngineRelease release = Release(Package("one"));
        InstalledEngine engine = await InstallAsync(release, new FolderSource(_folder.At("source")));
        File.Delete(Path.Combine(engine.Path, "libc10.so"));
        Directory.CreateDirectory(engine.Path + ".99999.tmp");
        Assert.Empty((await InstallAsync(release, new FolderSource(_folder.At("source")))).Problems(digests: true, default));
        Assert.Equal([Path.GetFileName(engine.Path)], Names(Path.GetDirectoryName(engine.Path)!));
    }

    [Fact]
    public async Task Unpacking_that_is_stopped_leaves_nothing_unpacked()
    {
        EngineRelease release = Release(Package("one"));
        using CancellationTokenSource stop = new();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => new EngineInstallation(release, _store, [new FolderSource(_folder.At("source"))]).InstallAsync(
            _ =>
            {
                stop.Cancel();
                return Task.CompletedTask;
            },
            stop.Token));
        Assert.Equal(["lock"], Directory.EnumerateFileSystemEntries(_store.Root, "*", SearchOption.AllDirectories).Select(Path.GetFileName).Where(name => name != "libtorch"));
    }

    [Fact]
    public async Task From_a_registry_a_package_is_fetched_and_its_file_goes_when_it_is_installed()
    {
        EngineRelease release = Release(Package("one"));
        using Registry registry = Serve(release);
        List<EngineProgress> told = [];
        await InstallAsync(release, registry.Source, told);
        Assert.Equal([EnginePhase.Fetching, EnginePhase.Unpacking], told.Select(progress => progress.Phase).Distinct());
        Assert.All(told, progress => Assert.InRange(progress.DoneBytes, 0, progress.TotalBytes!.Value));
        Assert.Empty(_store.Find(Version)!.Problems(digests: true, default));
        Assert.False(Directory.Exists(_store.Downloads));
    }

    [Fact]
    public async Task A_connection_that_is_cut_goes_on_where_it_was()
    {
        EngineRelease release = Release(Package("one"));
        using Registry registry = Serve(release);
        registry.CutAfter.Enqueue(1_000_000);
        registry.CutAfter.Enqueue(500_000);
        await InstallAsync(release, registry.Source);
        Assert.Equal([null, "bytes=1000000-", "bytes=1500000-"], registry.Ranges);
    }

    [Fact]
    public async Task A_registry_that_knows_no_ranges_sends_it_all_again()
    {
        EngineRelease release = Release(Package("one"));
        using Registry registry = Serve(release);
        registry.KnowsRanges = false;
        registry.CutAfter.Enqueue(1_000_000);
        await InstallAsync(release, registry.Source);
        Assert.Equal([null, "bytes=1000000-"], registry.Ranges);
    }

    [Fact]
    public async Task What_came_before_the_registry_went_away_is_kept_for_the_next_time()
    {
        EngineRelease release = Release(Package("one"));
        using (Registry registry = Serve(release))
        {
            foreach (int bytes in new[] { 1_000_000, 0, 0, 0, 0 })
                registry.CutAfter.Enqueue(bytes);
            RunException refused = await RefusedAsync(release, registry.Source);
            Assert.Equal("PackageNotFetched", refused.ErrorId);
            Assert.Contains("; 1000000 bytes of it are kept, and the same command goes on from there.", refused.Message, StringComparison.Ordinal);
        }

        Assert.Equal(["one.2.10.0.nupkg.part"], Names(_store.Downloads));
        using Registry again = Serve(release);
        await InstallAsync(release, again.Source);
        Assert.Equal(["bytes=1000000-"], again.Ranges);
    }

    [Fact]
    public async Task A_part_that_is_whole_already_is_taken_and_one_of_another_file_is_begun_again()
    {
        EngineRelease release = Release(Package("one"));
        using Registry registry = Serve(release);
        byte[] whole = registry.Files["one.2.10.0.nupkg"];
        Directory.CreateDirectory(_store.Downloads);
        File.WriteAllBytes(Path.Combine(_store.Downloads, "one.2.10.0.nupkg.part"), whole);
        await InstallAsync(release, registry.Source);
        Assert.Equal([$"bytes={whole.Length}-"], registry.Ranges);

        Directory.CreateDirectory(_store.Downloads);
        File.WriteAllBytes(Path.Combine(_store.Downloads, "one.2.10.0.nupkg.part"), new byte[whole.Length + 1]);
        await InstallAsync(release, registry.Source);
        Assert.Null(registry.Ranges[^1]);
    }

    [Fact]
    public async Task A_wrong_digest_is_refused_and_what_was_fetched_goes()
    {
        EngineRelease release = Release(Package("one"));
        using Registry registry = Serve(release);
        registry.Files["one.2.10.0.nupkg"][5000] ^= 1;
        RunException refused = await RefusedAsync(release, registry.Source);
        Assert.Equal("PackageDamaged", refused.ErrorId);
        Assert.EndsWith("; what was fetched is deleted, so that the same command fetches it anew.", refused.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_store.Downloads));
        Assert.Null(_store.Find(Version));
    }

    [Fact]
    public async Task A_package_that_the_registry_does_not_have_is_named_with_every_source_that_was_tried()
    {
        EngineRelease release = Release(Package("one"));
        using Registry registry = Serve(release);
        registry.Files.Clear();
        Directory.CreateDirectory(_folder.At("empty"));
        RunException refused = await RefusedAsync(release, registry.Source, new FolderSource(_folder.At("empty")));
        Assert.Equal("PackageNotFound", refused.ErrorId);
        Assert.Equal($"one 2.10.0 could not be fetched: '{registry.Source.Name}' does not have it; '{_folder.At("empty")}' has no one.2.10.0.nupkg.", refused.Message);
        Assert.False(Directory.Exists(_store.Downloads));
    }

    [Fact]
    public async Task The_second_source_is_asked_where_the_first_is_not_there()
    {
        EngineRelease release = Release(Package("one"));
        using Registry registry = Serve(release);
        registry.Answer = 503;
        await InstallAsync(release, registry.Source, null, new FolderSource(_folder.At("source")));
    }

    [Fact]
    public async Task A_machine_without_a_network_is_told_what_was_tried()
    {
        EngineRelease release = Release(Package("one"));
        using Registry registry = Serve(release);
        registry.GoAway();
        RunException refused = await RefusedAsync(release, registry.Source);
        Assert.Equal("PackageNotFetched", refused.ErrorId);
        Assert.StartsWith($"'{registry.Source.Name}' could not be read: ", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_registry_that_falls_silent_is_given_up()
    {
        EngineRelease release = Release(Package("one"));
        using Registry registry = Serve(release);
        registry.IsSilent = true;
        RunException refused = await RefusedAsync(release, registry.Source, silence: TimeSpan.FromMilliseconds(50));
        Assert.Equal("PackageNotFetched", refused.ErrorId);
        Assert.Contains("nothing came for 0 s", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(401, "answers 401 Unauthorized; name it by -Source and log in by -Credential.")]
    [InlineData(410, "answers 410 Gone.")]
    public async Task What_a_registry_refuses_is_told_at_once(int answer, string expected)
    {
        EngineRelease release = Release(Package("one"));
        using Registry registry = Serve(release);
        registry.Answer = answer;
        RunException refused = await RefusedAsync(release, registry.Source);
        Assert.EndsWith(expected, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_login_goes_to_the_registry()
    {
        EngineRelease release = Release(Package("one"));
        using Registry registry = Serve(release);
        registry.Login = "Basic " + Convert.ToBase64String("me:secret"u8);
        Assert.Equal("PackageNotFetched", (await RefusedAsync(release, registry.Source)).ErrorId);
        await InstallAsync(release, new FeedSource(new Uri(registry.Source.Name), registry.Client) { Credential = new NetworkCredential("me", "secret") });
    }

    [Theory]
    [InlineData("not JSON", "'' is no JSON")]
    [InlineData("[]", "it has no list of resources")]
    [InlineData("""{"resources":[]}""", "it has no resource PackageBaseAddress/3.0.0")]
    public async Task What_is_no_registry_is_told(string index, string reason)
    {
        EngineRelease release = Release(Package("one"));
        using Registry registry = Serve(release);
        registry.Index = index;
        RunException refused = await RefusedAsync(release, registry.Source);
        Assert.Equal("PackageSourceInvalid", refused.ErrorId);
        Assert.Contains($"'{registry.Source.Name}' is no registry of NuGet's protocol, version 3: {reason.Replace("''", $"'{registry.Source.Name}'", StringComparison.Ordinal)}", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Without_a_digest_in_the_module_the_registrys_own_is_taken(bool isRight)
    {
        EnginePackage package = Package("one");
        EngineRelease release = Release(package with { Sha512 = null });
        using Registry registry = Serve(release);
        registry.Digest = isRight ? package.Sha512 : Convert.ToBase64String(new byte[64]);
        if (isRight)
            await InstallAsync(release, registry.Source);
        else
            Assert.Equal("PackageDamaged", (await RefusedAsync(release, registry.Source)).ErrorId);
        registry.Digest = null;
        if (!isRight)
            Assert.Equal("PackageDigestNotFound", (await RefusedAsync(release, registry.Source)).ErrorId);
    }

    [Fact]
    public async Task Fetching_that_is_stopped_keeps_what_came()
    {
        EngineRelease release = Release(Package("one"));
        using Registry registry = Serve(release);
        using CancellationTokenSource stop = new();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => new EngineInstallation(release, _store, [registry.Source]).InstallAsync(
            _ =>
            {
                stop.Cancel();
                return Task.CompletedTask;
            },
            stop.Token));
        Assert.Equal(["one.2.10.0.nupkg.part"], Names(_store.Downloads));
        await InstallAsync(release, registry.Source);
        Assert.StartsWith("bytes=", registry.Ranges[^1], StringComparison.Ordinal);
        Assert.NotEqual("bytes=0-", registry.Ranges[^1]);
    }

    [Fact]
    public void NuGets_configuration_names_the_sources()
    {
        string file = _folder.Write("NuGet.Config", """
            <configuration>
              <packageSources>
                <add key="gone" value="https://gone.example/index.json" />
                <clear />
                <add key="one" value="https://one.example/v3/index.json" protocolVersion="3" />
                <add key="off" value="https://off.example/v3/index.json" />
                <add key="local" value="packages" />
              </packageSources>
              <disabledPackageSources><add key="off" value="true" /></disabledPackageSources>
            </configuration>
            """u8.ToArray());
        using HttpClient client = FeedSource.CreateClient();
        Assert.Equal(["https://one.example/v3/index.json", _folder.At("packages")], PackageSource.OfConfiguration(file, client).Select(source => source.Name));

        File.WriteAllText(file, "<configuration><packageSources><clear /></packageSources></configuration>");
        Assert.Equal("PackageSourceNotFound", Assert.Throws<RunException>(() => PackageSource.OfConfiguration(file, client)).ErrorId);
        File.WriteAllText(file, "<configuration>");
        Assert.Equal("PackageSourceInvalid", Assert.Throws<RunException>(() => PackageSource.OfConfiguration(file, client)).ErrorId);
    }

    private static EngineRelease Release(params EnginePackage[] packages) =>
        new() { Device = EngineDevice.Cpu, Version = Version, Runtime = "linux-x64", Packages = packages };

    // A package as TorchSharp's are, with a small libtorch.
    private EnginePackage Package(string id, string version = Version, Dictionary<string, byte[]>? entries = null, string place = "runtimes")
    {
        entries ??= new() { ["libtorch_cpu.so"] = s_library, ["libtorch.so"] = "torch!"u8.ToArray(), ["libc10.so"] = [10], ["libtorch_python.so"] = [1], ["libjitbackend_test.so"] = [1] };
        using MemoryStream bytes = new();
        using (ZipArchive archive = new(bytes, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach ((string name, byte[] content) in entries.Select(entry => ($"{place}/linux-x64/native/{entry.Key}", entry.Value)).Append(($"{id}.nuspec", [1])).Append(("LICENSE-LIBTORCH.txt", [1])))
            {
                using Stream entry = archive.CreateEntry(name, CompressionLevel.NoCompression).Open();
                entry.Write(content);
            }
        }

        EnginePackage package = new() { Id = id, Version = version, Sha512 = Convert.ToBase64String(SHA512.HashData(bytes.ToArray())) };
        _folder.Write($"source/{package.FileName}", bytes.ToArray());
        return package;
    }

    private Registry Serve(EngineRelease release) =>
        new(release.Packages.ToDictionary(package => package.FileName, package => File.ReadAllBytes(_folder.At("source", package.FileName))));

    private Task<InstalledEngine> InstallAsync(EngineRelease release, PackageSource source, List<EngineProgress>? told = null, params PackageSource[] more) =>
        new EngineInstallation(release, _store, [source, .. more]) { Patience = (TimeSpan.FromSeconds(60), TimeSpan.Zero) }.InstallAsync(
            progress =>
            {
                told?.Add(progress);
                return Task.CompletedTask;
            },
            CancellationToken.None);

    private Task<RunException> RefusedAsync(EngineRelease release, params PackageSource[] sources) => RefusedAsync(release, sources[0], sources[1..]);

    private async Task<RunException> RefusedAsync(EngineRelease release, PackageSource source, PackageSource[]? more = null, TimeSpan? silence = null)
    {
        RunException refused = await Assert.ThrowsAsync<RunException>(() => new EngineInstallation(release, _store, [source, .. more ?? []]) { Patience = (silence ?? TimeSpan.FromSeconds(60), TimeSpan.Zero) }
            .InstallAsync(_ => Task.CompletedTask, CancellationToken.None));
        Assert.DoesNotContain('\n', refused.Message);
        return refused;
    }

    private static IEnumerable<string> Names(string folder) => Directory.EnumerateFileSystemEntries(folder).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal);

    /// <summary>A registry on this machine, which misbehaves as it is told.</summary>
    private sealed class Registry : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly string _root;

        // Kept, since what nobody keeps is closed.
        private readonly ConcurrentBag<Stream> _silent = [];

        public Registry(Dictionary<string, byte[]> files)
        {
            Files = files;
            Client = FeedSource.CreateClient();
            _listener.Start();
            _root = $"http://{_listener.LocalEndpoint}/";
            Index = $$"""{"resources":[{"@id":"{{_root}}flat","@type":"PackageBaseAddress/3.0.0"},{"@id":"{{_root}}registration","@type":"RegistrationsBaseUrl/3.6.0"}]}""";
            Source = new FeedSource(new Uri(_root + "index.json"), Client);
            new Thread(Listen) { IsBackground = true }.Start();
        }

        public Dictionary<string, byte[]> Files { get; }

        public HttpClient Client { get; }

        public FeedSource Source { get; }

        public string Index { get; set; }

        /// <summary>After how many bytes each of the next connections is cut.</summary>
        public Queue<int> CutAfter { get; } = [];

        public bool KnowsRanges { get; set; } = true;

        public bool IsSilent { get; set; }

        public int Answer { get; set; } = 200;

        public string? Login { get; set; }

        public string? Digest { get; set; }

        /// <summary>The parts that were asked for; null for all of a package.</summary>
        public List<string?> Ranges { get; } = [];

        public void Dispose()
        {
            Client.Dispose();
            GoAway();
        }

        public void GoAway() => _listener.Dispose();

        private void Listen()
        {
            while (true)
            {
                try
                {
                    Socket connection = _listener.AcceptSocket();
                    Task.Run(() => AnswerOn(connection));
                }
                catch (ArgumentException) when (OperatingSystem.IsWindows())
                {
                    // Wine has no address of a client that gave up before it was accepted.
                }
                catch (Exception closed) when (closed is SocketException or ObjectDisposedException or InvalidOperationException)
                {
                    return;
                }
            }
        }

        // One request a connection.
        private void AnswerOn(Socket connection)
        {
            NetworkStream stream = new(connection, ownsSocket: true);
            try
            {
                using StreamReader reader = new(stream, Encoding.ASCII, leaveOpen: true);
                string path = reader.ReadLine()!.Split(' ')[1];
                Dictionary<string, string> headers = new(StringComparer.OrdinalIgnoreCase);
                while (reader.ReadLine() is { Length: > 0 } line)
                    headers[line[..line.IndexOf(':', StringComparison.Ordinal)]] = line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
                if (IsSilent)
                {
                    _silent.Add(stream);
                    return;
                }

                Respond(stream, path, headers);
                stream.Dispose();
            }
            catch (IOException)
            {
                // The reader was stopped.
                stream.Dispose();
            }
        }

        private void Respond(Stream stream, string path, Dictionary<string, string> headers)
        {
            if (Answer != 200 || (Login is not null && headers.GetValueOrDefault("Authorization") != Login))
                Send(stream, Answer != 200 ? Answer : 401, []);
            else if (path == "/index.json")
                Send(stream, 200, Encoding.UTF8.GetBytes(Index));
            else if (path.StartsWith("/registration/", StringComparison.Ordinal))
                Send(stream, 200, Compressed($$"""{"catalogEntry":"{{_root}}catalog.json"}"""), "Content-Encoding: gzip");
            else if (path == "/catalog.json")
                Send(stream, 200, Encoding.UTF8.GetBytes(Digest is null ? "{}" : $$"""{"packageHash":"{{Digest}}","packageHashAlgorithm":"SHA512"}"""));
            else if (Files.TryGetValue(Path.GetFileName(path), out byte[]? file))
                SendFile(stream, file, headers.GetValueOrDefault("Range"));
            else
                Send(stream, 404, []);
        }

        private void SendFile(Stream stream, byte[] file, string? range)
        {
            Ranges.Add(range);
            int from = range is null || !KnowsRanges ? 0 : int.Parse(range["bytes=".Length..^1], System.Globalization.CultureInfo.InvariantCulture);
            if (from >= file.Length)
                Send(stream, 416, [], $"Content-Range: bytes */{file.Length}");
            else if (from > 0)
                Send(stream, 206, file[from..], $"Content-Range: bytes {from}-{file.Length - 1}/{file.Length}", CutAfter.TryDequeue(out int cut) ? cut : null);
            else
                Send(stream, 200, file, cutAfter: CutAfter.TryDequeue(out int cutOfAll) ? cutOfAll : null);
        }

        private static void Send(Stream stream, int status, byte[] content, string? header = null, int? cutAfter = null)
        {
            string head = $"HTTP/1.1 {status} {(HttpStatusCode)status}\r\nContent-Length: {content.Length}\r\nConnection: close\r\n{(header is null ? "" : header + "\r\n")}\r\n";
            stream.Write(Encoding.ASCII.GetBytes(head));
            stream.Write(content, 0, cutAfter ?? content.Length);
        }

        private static byte[] Compressed(string text)
        {
            using MemoryStream bytes = new();
            using (GZipStream packed = new(bytes, CompressionLevel.Fastest))
                packed.Write(Encoding.UTF8.GetBytes(text));
            return bytes.ToArray();
        }
    }
}
