using RobustTrain.Configuration;
using RobustTrain.Data;
using RobustTrain.Host.Output;
using RobustTrain.Runs;
using RobustTrain.Training.Configuration;

namespace RobustTrain.Tests.Configuration;

public sealed class ConfigurationReaderTests
{
    private static TrainingConfig Parse(string yaml) => ConfigurationReader.Parse<TrainingConfig>("data: {path: /data}\n" + yaml, "night.yaml");

    private static ConfigurationError ErrorOf(string yaml)
    {
        ConfigurationException exception = Assert.Throws<ConfigurationException>(() => Parse(yaml));
        Assert.Equal(ExitCode.Configuration, Failure.Of(exception).ExitCode);
        return Assert.Single(exception.Errors);
    }

    private static ConfigurationError ErrorOfSetting(string setting) => Assert.Single(
        Assert.Throws<ConfigurationException>(() => ConfigurationReader.Read<TrainingConfig>(null, ["data.path=/data", setting])).Errors);

    [Fact]
    public void Keys_are_read_into_their_types()
    {
        TrainingConfig config = ConfigurationReader.Parse<TrainingConfig>(
            """
            name: a night run # and a comment
            seed: 9007199254740993
            device: cuda:1
            threads: 4
            data:
              path: /data/szada
              crop_size: ~
              dataset: change-pairs
              mean: [0, 0.5, 1e-1]
              augmentation:
                rotate: false
                resize: [256, 512]
            loader: {batch_size: 8}
            """,
            "night.yaml");

        Assert.Equal(("a night run", 9007199254740993L, "cuda:1", 4), (config.Name, config.Seed, config.Device, config.Threads));
        Assert.Equal((Path.GetFullPath("/data/szada"), (int?)null), (config.Data.Path, config.Data.CropSize));
        Assert.Equal([0, 0.5, 0.1], config.Data.Mean);
        Assert.False(config.Data.Augmentation.Rotate);
        Assert.Equal([256, 512], config.Data.Augmentation.Resize);
        Assert.Equal(8, config.Loader.BatchSize);
        Assert.Equal(new LoaderOptions().NumWorkers, config.Loader.NumWorkers);
    }

    [Fact]
    public void An_empty_text_gives_the_defaults_but_what_must_be_given()
    {
        ConfigurationException exception = Assert.Throws<ConfigurationException>(() => ConfigurationReader.Parse<TrainingConfig>("# nothing\n", "night.yaml"));

        Assert.Equal("ConfigurationMissingKey", exception.ErrorId);
        Assert.Equal("night.yaml: 'data.path' is not given, but must be a path; --set data.path=... gives it too.", exception.Message);
        Assert.Equal(new TrainingConfig(), ConfigurationReader.ReadPartial<TrainingConfig>(null, []), ConfigurationTexts.Same);
    }

    [Fact]
    public void An_empty_section_keeps_its_defaults() => Assert.Equal(new ModelConfig(), Parse("model:").Model);

    [Fact]
    public void What_a_setting_replaces_may_be_wrong()
    {
        using TemporaryFolder folder = new();
        string file = folder.Write("night.yaml", "data: {path: ''}\nseed: -1\n"u8.ToArray());

        TrainingConfig config = ConfigurationReader.Read<TrainingConfig>(file, ["data.path=/data", "seed=3"]);

        Assert.Equal((Path.GetFullPath("/data"), 3L), (config.Data.Path, config.Seed));
        Assert.Equal("ConfigurationOutOfRange", Assert.Throws<ConfigurationException>(() => ConfigurationReader.Read<TrainingConfig>(file, ["data.path=/data"])).ErrorId);
    }

    [Fact]
    public void Another_systems_names_are_accepted()
    {
        TrainingConfig config = Parse("loader: {num_prefetch_queue: 7, batch_size_per_gpu: 2}\nmanual_seed: 5");

        Assert.Equal((7, 2, 5L), (config.Loader.PrefetchQueueLength, config.Loader.BatchSize, config.Seed));
    }

    [Fact]
    public void Keys_and_words_are_read_in_any_letter_case_and_kept_as_they_are_written()
    {
        TrainingConfig config = Parse("""
            Device: CUDA:1
            Optimizer: {Name: AdamW, Learning_Rate: 0.5}
            model: {name: FC-Siam-Conc}
            LOADER: {worker_kind: Process, num_workers: AUTO, on_bad_sample: Skip}
            trainer: {best_metric: Mean_IoU}
            """);

        Assert.Equal(("cuda:1", "adamw", 0.5, "fc-siam-conc"), (config.Device, config.Optimizer.Name, config.Optimizer.LearningRate, config.Model.Name));
        Assert.Equal((WorkerKind.Process, (int?)null, BadSamplePolicy.Skip), (config.Loader.WorkerKind, config.Loader.NumWorkers, config.Loader.OnBadSample));
        Assert.Equal("mean_iou", config.Trainer.BestMetric);
        Assert.Equal("adam", ConfigurationReader.Read<TrainingConfig>(null, ["data.path=/data", "OPTIMIZER.Name=ADAM"]).Optimizer.Name);
    }

    [Fact]
    public void A_score_of_a_validation_set_is_read_in_any_letter_case_but_the_sets_name_as_it_is() => Assert.Equal(
        "North/f1", ConfigurationReader.Read<TrainingConfig>(null, ["data.path=/data", "data.validation_sets.North=[a.txt]", "trainer.best_metric=North/F1"]).Trainer.BestMetric);

    [Fact]
    public void A_key_that_is_given_twice_in_different_letter_case_is_a_mistake() => Assert.Equal("ConfigurationDuplicateKey", ErrorOf("Seed: 1\nseed: 2").ErrorId);

    [Theory]
    [InlineData("auto")]
    [InlineData("'auto'")]
    [InlineData("null")] // As runs of earlier versions have it.
    public void The_number_of_workers_may_be_left_to_the_loader(string value)
    {
        TrainingConfig config = Parse($"loader: {{num_workers: {value}}}");

        Assert.Null(config.Loader.NumWorkers);
        Assert.Equal(config.Loader, ConfigurationReader.Read<TrainingConfig>(null, ["data.path=/data", $"loader.num_workers={value}"]).Loader);
        string written = ConfigurationWriter.Write(config);
        Assert.Contains("  num_workers: auto\n", written, StringComparison.Ordinal);
        Assert.Equal(config.Loader, ConfigurationReader.Parse<TrainingConfig>(written, "written").Loader);
        ConfigurationDifference difference = Assert.Single(ConfigurationWriter.Differences(config, config with { Loader = config.Loader with { NumWorkers = 3 } }));
        Assert.Equal(new ConfigurationDifference("loader.num_workers", "auto", "3"), difference);
    }

    [Fact]
    public void A_relative_data_path_starts_at_the_current_directory() => Assert.Equal(
        Path.Combine(Environment.CurrentDirectory, "data", "szada"),
        ConfigurationReader.Read<TrainingConfig>(null, ["data.path=data/szada"]).Data.Path);

    [Theory]
    [InlineData("optimizer:\n  learing_rate: 1", "ConfigurationUnknownKey", "night.yaml, line 3: 'optimizer' has no key 'learing_rate'; did you mean 'learning_rate'?")]
    [InlineData("learning_rate: 1", "ConfigurationUnknownKey", "night.yaml, line 2: The configuration has no key 'learning_rate'; did you mean 'optimizer.learning_rate'?")]
    [InlineData("trainer: {early_birds: 1}", "ConfigurationUnknownKey", "night.yaml, line 2: 'trainer' has no key 'early_birds'; it has epochs, ")]
    [InlineData("loader: {prefetch_factor: 2}", "ConfigurationUnknownKey", "night.yaml, line 2: 'loader' has no key 'prefetch_factor'; prefetch_queue_length counts the batches of all workers together, where prefetch_factor counts those of each: set it to prefetch_factor times num_workers.")]
    [InlineData("pin_memory: true", "ConfigurationUnknownKey", "night.yaml, line 2: The configuration has no key 'pin_memory'; prefetch_mode says how batches come to the device: cuda goes through pinned memory, cpu and none do not.")]
    [InlineData("loader: {num_workers: many}", "ConfigurationWrongType", "night.yaml, line 2: 'loader.num_workers' is 'many', but must be a whole number from 0 to 1024, or auto.")]
    [InlineData("trainer: {epochs: many}", "ConfigurationWrongType", "night.yaml, line 2: 'trainer.epochs' is 'many', but must be a whole number from 1 to 1000000.")]
    [InlineData("trainer: {epochs: 1.5}", "ConfigurationWrongType", "'trainer.epochs' is '1.5', but must be a whole number")]
    [InlineData("trainer: {epochs: '3'}", "ConfigurationWrongType", "'trainer.epochs' is the quoted text '3', but must be a whole number")]
    [InlineData("trainer: {epochs: }", "ConfigurationWrongType", "'trainer.epochs' is empty, but must be a whole number")]
    [InlineData("trainer: {epochs: [3]}", "ConfigurationWrongType", "'trainer.epochs' is a list, but must be a whole number")]
    [InlineData("trainer: 3", "ConfigurationWrongType", "'trainer' is '3', but must be a section with the keys epochs, ")]
    [InlineData("trainer: {epochs: 0}", "ConfigurationOutOfRange", "'trainer.epochs' is 0, but must be a whole number from 1 to 1000000.")]
    [InlineData("trainer: {epochs: 99999999999999999999}", "ConfigurationOutOfRange", "'trainer.epochs' is 99999999999999999999, but")]
    [InlineData("seed: -1", "ConfigurationOutOfRange", "'seed' is -1, but must be a whole number of 0 or more.")]
    [InlineData("seed: 9223372036854775808", "ConfigurationOutOfRange", "'seed' is 9223372036854775808, but")]
    [InlineData("optimizer: {momentum: .nan}", "ConfigurationOutOfRange", "'optimizer.momentum' is .nan, but must be a number from 0 to 0.9999.")]
    [InlineData("optimizer: {learning_rate: 1e400}", "ConfigurationOutOfRange", "'optimizer.learning_rate' is 1e400, but")]
    [InlineData("optimizer: {learning_rate: Infinity}", "ConfigurationWrongType", "'optimizer.learning_rate' is 'Infinity', but")]
    [InlineData("optimizer: {learning_rate: fast}", "ConfigurationWrongType", "'optimizer.learning_rate' is 'fast', but must be a number from 0 to 1000.")]
    [InlineData("model: {name: fc-siam-dif}", "ConfigurationNotAllowed", "'model.name' is 'fc-siam-dif', but must be one of ")]
    [InlineData("model: {name: fc-siam-dif}", "ConfigurationNotAllowed", "; did you mean 'fc-siam-diff'?")]
    [InlineData("device: gpu", "ConfigurationNotAllowed", "'device' is 'gpu', but must be ")]
    [InlineData("device: cuda:1\\n", "ConfigurationNotAllowed", "'device' is ")]
    [InlineData("loader: {drop_last: yes}", "ConfigurationWrongType", "'loader.drop_last' is 'yes', but must be true or false.")]
    [InlineData("loader: {num_prefetch_queue: 1, prefetch_queue_length: 2}", "ConfigurationDuplicateKey", "is another name of 'loader.prefetch_queue_length'")]
    [InlineData("loader: {num_prefetch_queue: 0}", "ConfigurationOutOfRange", "'loader.prefetch_queue_length' is 0")]
    [InlineData("data2: 1\n\n? [a, b]\n: 1\n", "ConfigurationUnknownKey", "has no key 'data2'")]
    [InlineData("model:\n  name: fc-siam-diff\n  name: fc-siam-conc", "ConfigurationDuplicateKey", "night.yaml, line 4: the key 'name' is given twice in the same section.")]
    [InlineData("model:\n\tname: x", "ConfigurationInvalidYaml", "night.yaml, line 3: this is not valid YAML: While scanning a mapping, found invalid tab as indentation.")]
    [InlineData("model: *base", "ConfigurationInvalidYaml", "night.yaml, line 2: this is not valid YAML: ")]
    [InlineData("model: {name: x", "ConfigurationInvalidYaml", "this is not valid YAML: ")]
    [InlineData("name: a\n---\nname: b", "ConfigurationInvalidYaml", "night.yaml, line 4: a second YAML document begins here")]
    [InlineData("criterion: {weighting: given}", "ConfigurationInconsistent", "'criterion.class_weights' is not given, but")]
    [InlineData("criterion: {class_weights: [1, 2]}", "ConfigurationInconsistent", "night.yaml, line 2: 'criterion.class_weights' is given, but 'criterion.weighting' is none")]
    [InlineData("criterion: {weighting: given, class_weights: [1, 2, 3]}", "ConfigurationInconsistent", "has 3 weights, but 'model.classes' is 2.")]
    [InlineData("criterion: {weighting: given, class_weights: [0, 0]}", "ConfigurationInconsistent", "'criterion.class_weights' is [0, 0], but weights must be 0 or more")]
    [InlineData("criterion: {weighting: given, class_weights: [1, -2.5]}", "ConfigurationInconsistent", "'criterion.class_weights' is [1, -2.5], but weights must be 0 or more")]
    [InlineData("criterion: {weighting: data, class_weights: [1, 2]}", "ConfigurationInconsistent", "'criterion.class_weights' is given, but 'criterion.weighting' is data")]
    [InlineData("criterion: {weighting: given, class_weights: [1, heavy]}", "ConfigurationWrongType", "item 2 of 'criterion.class_weights' is 'heavy', but must be a number.")]
    [InlineData("epoch_seeds: [1, 2]", "ConfigurationInconsistent", "night.yaml, line 2: 'epoch_seeds' has 2 seeds, but 'trainer.epochs' is 10.")]
    [InlineData("train_seeds: [1, -2]", "ConfigurationOutOfRange", "item 2 of 'epoch_seeds' is -2, but must be a whole number of 0 or more.")]
    [InlineData("criterion: {ignore_index: 1}", "ConfigurationInconsistent", "'criterion.ignore_index' is 1, which is one of the 2 classes")]
    public void A_mistake_is_one_sentence_with_its_place(string yaml, string errorId, string sentence)
    {
        ConfigurationException exception = Assert.Throws<ConfigurationException>(() => Parse(yaml));

        Assert.Equal(errorId, exception.ErrorId);
        Assert.Contains(sentence, exception.Errors[0].Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', exception.Errors[0].Message);
    }

    [Theory]
    [InlineData("data: {path: /d, mean: [0.5]}", "'data.mean' has 1 values, but 'model.in_channels' is 3.")]
    [InlineData("data: {path: /d, std: [1, 0, 1]}", "'data.std' is [1, 0, 1], but each value must be above 0.")]
    [InlineData("data: {path: /d, crop_size: null}", "'data.crop_size' is null, but air-change")]
    [InlineData("data: {path: /d, augmentation: {resize: [256]}}", "'data.augmentation.resize' has 1 items, but must be a list of 2, each a whole number from 16 to 8192, or null.")]
    [InlineData("data: {path: /d, dataset: change-pairs, sample_size: 256}", "'data.sample_size' is given, but change-pairs resizes by 'data.augmentation.resize'")]
    [InlineData("data: {path: /d, dataset: change-pairs, crop_size: null, changed_crop_share: 0.5}", "'data.changed_crop_share' is given, but 'data.crop_size' is null")]
    [InlineData("data: {path: /d, changed_crop_share: 1.5}", "'data.changed_crop_share' is 1.5, but must be")]
    [InlineData("data: {path: /d, validation_sets: [Szada/7]}", "'data.validation_sets' is a list, but must be names, each with a list of texts, or null.")]
    [InlineData("data: {path: /d, validation_sets: {a/b: [Szada/7]}}", "'data.validation_sets' has the name 'a/b', but a name must be of Latin letters, digits, _ and -, a letter or digit first.")]
    [InlineData("data: {path: /d, validation_sets: {a: {b: c}}}", "'data.validation_sets.a' holds a section, but must be a list of texts.")]
    [InlineData("data: {path: /d, validation_sets: {a: []}}", "'data.validation_sets.a' is empty, but must list the set's scenes.")]
    [InlineData("data: {path: /d, validation_sets: {}}", "'data.validation_sets' has no sets")]
    [InlineData("data: {path: /d, validation_sets: {a: [Szada/7], b: [szada/7]}}", "'data.validation_sets' lists 'Szada/7' more than once")]
    [InlineData("data: {path: /d, dataset: change-pairs, validation_sets: {a: [a.txt]}, lists: {val: b.txt}}", "'data.lists.val' is given beside 'data.validation_sets'")]
    [InlineData("{data: {path: /d, validation_sets: {near: [Szada/7]}}, trainer: {best_metric: nera/f1}}", "'trainer.best_metric' names 'nera/f1', but the validation sets are near, each with scores as f1 and iou; did you mean 'near/f1'?")]
    [InlineData("{data: {path: /d}, selection: {metrics: [f1, near/iou]}}", "'selection.metrics' names 'near/iou', but 'data.validation_sets' has no sets.")]
    [InlineData("{data: {path: /d}, trainer: {best_metric: f2}}", "'trainer.best_metric' is 'f2', but must be one of f1, ")]
    [InlineData("data: {path: ''}", "'data.path' is '', but must be a path.")]
    [InlineData("- a\n- b", "the configuration is a list, but must be keys and values")]
    [InlineData("just words", "the configuration is 'just words', but must be keys and values")]
    public void A_mistake_in_the_data_section_or_the_root_is_one_sentence(string yaml, string sentence)
    {
        ConfigurationException exception = Assert.Throws<ConfigurationException>(() => ConfigurationReader.Parse<TrainingConfig>(yaml, "night.yaml"));

        Assert.StartsWith("night.yaml, line 1: ", exception.Message, StringComparison.Ordinal);
        Assert.Contains(sentence, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void All_mistakes_are_named_at_once()
    {
        ConfigurationException exception = Assert.Throws<ConfigurationException>(() => Parse("trainer: {epochs: 0}\nmodell: {}\noptimizer: {name: 7}"));

        Assert.Equal(["trainer.epochs", "modell", "optimizer.name"], exception.Errors.Select(error => error.Key));
        Assert.Equal("trainer.epochs", exception.Target);
    }

    [Fact]
    public void A_setting_wins_over_the_file_and_the_last_over_the_first()
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder.At("a.yaml"), "data: {path: /data}\ntrainer: {epochs: 3}\nmodel: {dropout: 0.5}");

        TrainingConfig config = ConfigurationReader.Read<TrainingConfig>(folder.At("a.yaml"), ["trainer.epochs=4", "trainer.epochs=5", "data.mean=[0, 0, 0]", "model={classes: 3}", "loader.num_prefetch_queue=9"]);

        Assert.Equal((5, 3, 0.5, 9), (config.Trainer.Epochs, config.Model.Classes, config.Model.Dropout, config.Loader.PrefetchQueueLength));
        Assert.Equal([0, 0, 0], config.Data.Mean);
    }

    [Theory]
    [InlineData("trainer.epochs", "ConfigurationInvalidSetting", "--set trainer.epochs: it must have the form key=value, as --set optimizer.learning_rate=0.01.")]
    [InlineData("=5", "ConfigurationInvalidSetting", "--set =5: it must have the form key=value")]
    [InlineData("loader.pin_memory=true", "ConfigurationUnknownKey", "--set loader.pin_memory=true: The configuration has no key 'loader.pin_memory'; prefetch_mode says how batches come to the device: cuda goes through pinned memory, cpu and none do not.")]
    [InlineData("trainer.epoch=5", "ConfigurationUnknownKey", "--set trainer.epoch=5: The configuration has no key 'trainer.epoch'; did you mean 'trainer.epochs'?")]
    [InlineData("loader.xyzzy_of_mine=5", "ConfigurationUnknownKey", "--set loader.xyzzy_of_mine=5: The configuration has no key 'loader.xyzzy_of_mine'; 'loader' has batch_size, ")]
    [InlineData("data.augmentation.xyzzy_of_mine=5", "ConfigurationUnknownKey", "'data.augmentation' has ")]
    [InlineData("epochs=5", "ConfigurationUnknownKey", "did you mean 'trainer.epochs'?")]
    [InlineData("trainer.epochs=x", "ConfigurationWrongType", "--set trainer.epochs=x: 'trainer.epochs' is 'x', but must be a whole number from 1 to 1000000.")]
    [InlineData("trainer.epochs=", "ConfigurationWrongType", "'trainer.epochs' is empty, but")]
    [InlineData("trainer.epochs=-3", "ConfigurationOutOfRange", "--set trainer.epochs=-3: 'trainer.epochs' is -3, but")]
    [InlineData("data.mean=[1", "ConfigurationInvalidYaml", "--set data.mean=[1: this is not valid YAML: ")]
    [InlineData("trainer={epoch: 3}", "ConfigurationUnknownKey", "--set trainer={epoch: 3}: 'trainer' has no key 'epoch'; did you mean 'epochs'?")]
    [InlineData("criterion.class_weights=[1, 2]", "ConfigurationInconsistent", "--set criterion.class_weights=[1, 2]: ")]
    public void A_mistake_in_a_setting_names_the_setting(string setting, string errorId, string sentence)
    {
        ConfigurationError error = ErrorOfSetting(setting);

        Assert.Equal(errorId, error.ErrorId);
        Assert.Contains(sentence, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_file_and_a_folder_are_no_configuration()
    {
        using TemporaryFolder folder = new();

        ConfigurationException missing = Assert.Throws<ConfigurationException>(() => ConfigurationReader.Read<TrainingConfig>(folder.At("a.yaml"), []));
        ConfigurationException isFolder = Assert.Throws<ConfigurationException>(() => ConfigurationReader.Read<TrainingConfig>(folder.Path, []));

        Assert.Equal($"The configuration file '{folder.At("a.yaml")}' doesn't exist.", missing.Message);
        Assert.Equal($"The configuration '{folder.Path}' is a folder; a YAML file is expected.", isFolder.Message);
    }

    [Fact]
    public void Every_sample_is_a_valid_configuration()
    {
        string[] samples = [.. Directory.EnumerateFiles(Path.Combine(RepositoryFolder(), "samples"), "*.yaml")];

        Assert.NotEmpty(samples);
        Assert.All(samples, sample => ConfigurationReader.Read<TrainingConfig>(sample, ["data.path=/data"]));
    }

    private static string RepositoryFolder()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "RobustTrain.sln")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new DirectoryNotFoundException("The tests don't lie in the repository.");
    }

    [Fact]
    public void Validation_sets_are_read_from_the_file_and_one_by_one_from_settings()
    {
        TrainingConfig config = ConfigurationReader.Read<TrainingConfig>(null,
            ["data.path=/d", "data.validation_sets={near: [Szada/7, Szada/6], far: Tiszadob/5}", "data.validation_sets.near=[Szada/1]", "trainer.best_metric=far/mean_iou"]);
        Assert.Equal(["near", "far"], config.Data.ValidationSets!.Keys);
        Assert.Equal(["Szada/1"], config.Data.ValidationSets["near"]);
        Assert.Equal(["Tiszadob/5"], config.Data.ValidationSets["far"]);
        Assert.Equal("far/mean_iou", config.Trainer.BestMetric);
        ConfigurationError error = ErrorOfSetting("data.validation_sets.a b=[x]");
        Assert.Equal(("ConfigurationNotAllowed", "data.validation_sets"), (error.ErrorId, error.Key));
    }

    [Fact]
    public void A_text_may_look_like_a_number() => Assert.Equal("2026", Parse("name: 2026").Name);

    [Fact]
    public void An_error_that_is_alone_is_the_message() => Assert.Equal("trainer.epochs", ErrorOf("trainer: {epochs: 0}").Key);
}
